"""The one interpolation in time, shared by recorded tracks and the live odometry buffer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from dmn_core.errors import TrackError
from dmn_core.pose_track.planar import FloatArray, IntArray, interpolate_pose

DEFAULT_MAX_GAP_S = 1.0
"""The longest time between two poses across which a pose is interpolated."""

NANOSECONDS = 1_000_000_000


def pose_at(
    stamp_ns: int,
    stamps_ns: Sequence[int] | IntArray,
    poses: Sequence[FloatArray] | FloatArray,
    *,
    max_gap_s: float,
    name: str,
) -> FloatArray:
    """Pose (3,) at a stamp, from sorted stamps (T,) and their poses (T, 3).

    Raises:
        TrackError: There are no poses, or the stamp is outside them or in a long gap.
    """
    if len(stamps_ns) == 0:
        raise TrackError(
            f"wanted {name} at {stamp_ns / NANOSECONDS:.3f} s, but no pose has come yet"
        )
    if isinstance(stamps_ns, np.ndarray):
        index = int(np.searchsorted(stamps_ns, stamp_ns))
    else:
        index = bisect_left(stamps_ns, stamp_ns)
    if index < len(stamps_ns) and int(stamps_ns[index]) == stamp_ns:
        return np.array(poses[index], dtype=np.float64)
    first, last = int(stamps_ns[0]), int(stamps_ns[-1])
    if not first < stamp_ns < last:
        raise TrackError(
            f"wanted {name} at {stamp_ns / NANOSECONDS:.3f} s, but it is known only from "
            f"{first / NANOSECONDS:.3f} s to {last / NANOSECONDS:.3f} s; "
            "check that both are stamped by the same clock"
        )
    before, after = int(stamps_ns[index - 1]), int(stamps_ns[index])
    if after - before > max_gap_s * NANOSECONDS:
        raise TrackError(
            f"wanted {name} at {stamp_ns / NANOSECONDS:.3f} s, but it falls into a gap of "
            f"{(after - before) / NANOSECONDS:.3f} s between two poses (at most {max_gap_s} s is "
            "bridged); record poses more often or raise max_gap_s"
        )
    fraction = (stamp_ns - before) / (after - before)
    return interpolate_pose(fraction, poses[index - 1], poses[index])
