"""The robot's pose on disk, for the next start in the same map."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dmn_core.errors import DmnError
from dmn_core.fix import Fix
from dmn_core.localization import Near
from dmn_core.map_editing import view_ids
from dmn_core.views import ViewMap
from dmn_core.whole_file import whole_file
from dmn_ros.conversions import near


class SavedPoseError(DmnError):
    """A saved pose cannot be read or written, or belongs to another map."""


@dataclass(frozen=True)
class SavedPose:
    """A pose, and the map in which it means something.

    Attributes:
        stamp_ns: of the image that it came from.
        pose_map_base: x [m], y [m], yaw [rad].
        covariance: 3x3 rows.
        weights_fingerprint: of the weights that made the map.
        view_ids: of the map's views.
    """

    stamp_ns: int
    pose_map_base: list[float]
    covariance: list[list[float]]
    weights_fingerprint: str
    view_ids: list[str]

    @classmethod
    def of(cls, fix: Fix, view_map: ViewMap) -> SavedPose:
        """The pose of a fix in a map."""
        pose, covariance = fix.pose_map_base.tolist(), fix.covariance.tolist()
        ids = list(view_ids(view_map))
        return cls(fix.stamp_ns, pose, covariance, view_map.weights_fingerprint, ids)

    def start_in(self, view_map: ViewMap, *, particles: int) -> Near:
        """A start at this pose.

        Raises:
            SavedPoseError: the map shares no view with the one that the pose was in.
        """
        same_weights = self.weights_fingerprint == view_map.weights_fingerprint
        if not same_weights or set(self.view_ids).isdisjoint(view_ids(view_map)):
            raise SavedPoseError(
                "the saved pose wants the map that it was in, this one shares no view with it"
            )
        return near(np.array(self.pose_map_base), np.array(self.covariance), particles=particles)


def write_pose(path: Path, pose: SavedPose) -> None:
    """Write it as JSON, so that a reader finds the old file or the new one, never half of one.

    Raises:
        SavedPoseError: it cannot be written.
    """
    try:
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(pose)), encoding="utf-8")
    except OSError as error:
        raise SavedPoseError(f"the pose could not be saved to {path}: {error}") from error


def read_pose(path: Path) -> SavedPose:
    """The pose in a file.

    Raises:
        SavedPoseError: there is none, or it is damaged.
    """
    try:
        pose = SavedPose(**json.loads(path.read_text(encoding="utf-8")))
        numbers = np.array([*pose.covariance, pose.pose_map_base], dtype=np.float64)
    except (OSError, ValueError, TypeError) as error:
        raise SavedPoseError(f"{path} holds no saved pose: {error}") from error
    if numbers.shape != (4, 3) or not np.isfinite(numbers).all():
        raise SavedPoseError(f"{path} wants a pose and its covariance, got {numbers.tolist()!r}")
    return pose
