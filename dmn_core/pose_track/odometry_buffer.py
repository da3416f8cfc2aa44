"""The newest poses of a running robot."""

from __future__ import annotations

import threading
from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike

from dmn_core.errors import TrackError
from dmn_core.pose_track.interpolation import DEFAULT_MAX_GAP_S, NANOSECONDS, pose_at
from dmn_core.pose_track.planar import FloatArray


class OdometryBuffer:
    """The newest odometry poses of a running robot; filled and asked from different threads."""

    def __init__(self, *, duration_s: float = 10.0) -> None:
        """Keep poses at most `duration_s` older than the newest.

        Raises:
            TrackError: The duration is not positive.
        """
        if not duration_s > 0:
            raise TrackError(f"an odometry buffer wants a positive duration, got {duration_s!r} s")
        self._duration_ns = int(duration_s * NANOSECONDS)
        self._stamps_ns: list[int] = []
        self._poses: list[FloatArray] = []
        self._lock = threading.Lock()

    def append(self, stamp_ns: int, pose: ArrayLike) -> bool:
        """Add one pose (3,); an equal stamp is replaced, out of order is sorted in.

        Returns:
            False where the pose is already too old to keep (as after a jump back in time; then
            `clear` first).

        Raises:
            TrackError: The pose is not three finite numbers.
        """
        value = np.array(pose, dtype=np.float64)
        if value.shape != (3,) or not np.all(np.isfinite(value)):
            raise TrackError(f"odometry wants three finite numbers (x, y, yaw), got {pose!r}")
        stamp = int(stamp_ns)
        with self._lock:
            if self._stamps_ns and stamp < self._stamps_ns[-1] - self._duration_ns:
                return False
            self._insert(stamp, value)
            self._drop_old()
        return True

    def _insert(self, stamp_ns: int, pose: FloatArray) -> None:
        index = bisect_left(self._stamps_ns, stamp_ns)
        if index < len(self._stamps_ns) and self._stamps_ns[index] == stamp_ns:
            self._poses[index] = pose
            return
        self._stamps_ns.insert(index, stamp_ns)
        self._poses.insert(index, pose)

    def _drop_old(self) -> None:
        count = bisect_left(self._stamps_ns, self._stamps_ns[-1] - self._duration_ns)
        del self._stamps_ns[:count]
        del self._poses[:count]

    def at(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> FloatArray:
        """Pose (3,) at a stamp, by the same arithmetic as `PoseTrack.at`.

        Raises:
            TrackError: The buffer is empty, or the stamp is outside it or in a long gap.
        """
        with self._lock:
            return pose_at(
                int(stamp_ns), self._stamps_ns, self._poses, max_gap_s=max_gap_s, name="odometry"
            )

    def __len__(self) -> int:
        """Number of poses held."""
        return len(self._stamps_ns)

    @property
    def oldest_ns(self) -> int | None:
        """Stamp of the oldest pose held, or None."""
        with self._lock:
            return self._stamps_ns[0] if self._stamps_ns else None

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest pose held, or None."""
        with self._lock:
            return self._stamps_ns[-1] if self._stamps_ns else None

    def clear(self) -> None:
        """Forget every pose, as after a jump in time."""
        with self._lock:
            self._stamps_ns.clear()
            self._poses.clear()
