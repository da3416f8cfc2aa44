"""The robot's pose on disk, for the next start in the same map."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dmn_core.errors import DmnError
from dmn_core.fix import Fix
from dmn_core.localization import Near
from dmn_core.map_editing import view_ids
from dmn_core.particle_filter import modes_of
from dmn_core.views import ViewMap
from dmn_core.whole_file import whole_file
from dmn_ros.conversions import near

# Of a covariance, relative to its largest element: what rounding may leave.
ROUNDING = 1e-6


class SavedPoseError(DmnError):
    """A saved pose cannot be read or written, or belongs to another map."""


@dataclass(frozen=True)
class SavedPose:
    """A pose, and the map in which it means something.

    Attributes:
        stamp_ns: of the image that it came from.
        pose_map_base: x [m], y [m], yaw [rad].
        covariance: 3x3 rows [m^2, m rad, rad^2], positive semi-definite.
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
        """The best mode of a fix in a map, as wide as its particles are.

        The doubt in the fix's own covariance, which is metres wide, says that the estimate may be
        wrong; a start that wide would throw away what is known where it is right. What the
        calibration makes of the particles' spread would be applied again at every start.
        """
        particles = torch.from_numpy(fix.particles_map_base), torch.from_numpy(fix.weights)
        best = modes_of(*particles)[0]
        pose, covariance = best.pose_map_base.tolist(), best.covariance.tolist()
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


def read_pose(path: Path) -> SavedPose | None:
    """The pose in a file; None where there is no file.

    Raises:
        SavedPoseError: it is damaged.
    """
    try:
        pose = SavedPose(**json.loads(path.read_text(encoding="utf-8")))
        _require_types(pose)
        _require_covariance(pose)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SavedPoseError(f"{path} holds no saved pose: {error}") from error
    return pose


def _require_types(pose: SavedPose) -> None:
    """Raise a ValueError where a file has something else than `write_pose` writes."""
    if not _is_list(pose.view_ids, str) or not isinstance(pose.weights_fingerprint, str):
        texts = (pose.view_ids, pose.weights_fingerprint)
        raise ValueError(f"view_ids and weights_fingerprint want text, got {texts!r}")
    if not _is_list(pose.covariance, list):
        raise ValueError(f"covariance wants three rows, got {pose.covariance!r}")
    rows = [pose.pose_map_base, *pose.covariance]
    if type(pose.stamp_ns) is not int or not all(_is_list(row, int, float) for row in rows):
        raise ValueError(f"stamp_ns, pose_map_base and covariance want numbers, got {rows!r}")
    is_whole = [len(row) for row in rows] == [3, 3, 3, 3]
    if not is_whole or not np.isfinite(np.array(rows, dtype=np.float64)).all():
        raise ValueError(f"a pose and its covariance want 3 and 9 finite numbers, got {rows!r}")


def _is_list(value: Any, *kinds: type) -> bool:
    # By their very types, as a bool is an int as well.
    return isinstance(value, list) and all(type(item) in kinds for item in value)


def _require_covariance(pose: SavedPose) -> None:
    """Raise a ValueError where the covariance is none."""
    covariance = np.array(pose.covariance, dtype=np.float64)
    rounding = ROUNDING * np.abs(covariance).max()
    is_even = bool((np.abs(covariance - covariance.T) <= rounding).all())
    if not is_even or np.linalg.eigvalsh(covariance)[0] < -rounding:
        raise ValueError(
            f"covariance wants one without negative variances, got {pose.covariance!r}"
        )
