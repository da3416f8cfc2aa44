"""A recorded track of planar poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dmn_core.errors import TrackError
from dmn_core.pose_track.interpolation import DEFAULT_MAX_GAP_S, pose_at
from dmn_core.pose_track.planar import FloatArray, IntArray


@dataclass(frozen=True)
class PoseTrack:
    """Poses of a child frame in a frame over time.

    Attributes:
        stamps_ns: (T,) int64, strictly increasing.
        poses: (T, 3) float64, finite.
        frame_id: The frame in which the poses are given.
        child_frame_id: The frame whose poses they are; empty where the source does not say.
    """

    stamps_ns: IntArray
    poses: FloatArray
    frame_id: str = ""
    child_frame_id: str = ""

    def __post_init__(self) -> None:
        """Check shapes, order and finiteness.

        Raises:
            TrackError: Stamps do not increase strictly, a pose is not finite, or shapes disagree.
        """
        stamps = np.array(self.stamps_ns, dtype=np.int64).reshape(-1)
        poses = np.array(self.poses, dtype=np.float64).reshape(-1, 3)
        if len(stamps) != len(poses) or len(stamps) == 0:
            raise TrackError(
                f"a pose track wants as many stamps as poses and at least one, got {len(stamps)} "
                f"stamps and {len(poses)} poses"
            )
        if np.any(np.diff(stamps) <= 0):
            raise TrackError(
                "a pose track wants strictly increasing stamps; PoseTrack.from_unsorted sorts them"
            )
        if not np.all(np.isfinite(poses)):
            where = int(np.flatnonzero(~np.isfinite(poses).all(axis=1))[0])
            raise TrackError(
                f"pose {where} of the track is {poses[where]!r}, wanted finite numbers"
            )
        stamps.setflags(write=False)
        poses.setflags(write=False)
        object.__setattr__(self, "stamps_ns", stamps)
        object.__setattr__(self, "poses", poses)

    @classmethod
    def from_unsorted(
        cls,
        stamps_ns: Sequence[int] | IntArray,
        poses: Sequence[ArrayLike] | FloatArray,
        *,
        frame_id: str = "",
        child_frame_id: str = "",
    ) -> PoseTrack:
        """A track from poses in order of arrival; of equal stamps the last is kept."""
        stamps = np.asarray(stamps_ns, dtype=np.int64).reshape(-1)
        values = np.asarray(poses, dtype=np.float64).reshape(-1, 3)
        order = np.argsort(stamps, kind="stable")
        keep = np.append(np.diff(stamps[order]) > 0, True)[: len(order)]
        chosen = order[keep]
        return cls(stamps[chosen], values[chosen], frame_id, child_frame_id)

    def __len__(self) -> int:
        """Number of poses."""
        return len(self.stamps_ns)

    @property
    def start_ns(self) -> int:
        """Stamp of the first pose."""
        return int(self.stamps_ns[0])

    @property
    def end_ns(self) -> int:
        """Stamp of the last pose."""
        return int(self.stamps_ns[-1])

    def at(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> FloatArray:
        """Pose (3,) at a stamp, interpolated between its neighbours.

        Raises:
            TrackError: The stamp is outside the track or in a gap longer than `max_gap_s`.
        """
        name = f"the pose of {self.child_frame_id!r} in {self.frame_id!r}"
        return pose_at(int(stamp_ns), self.stamps_ns, self.poses, max_gap_s=max_gap_s, name=name)

    def covers(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> bool:
        """Whether `at` has an answer for this stamp."""
        try:
            self.at(stamp_ns, max_gap_s=max_gap_s)
        except TrackError:
            return False
        return True
