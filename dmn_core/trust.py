"""Whether a localizer's pose is known well enough to make a map with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.belief_monitor import State


@dataclass(frozen=True)
class Distrust:
    """Why a pose is not mapped with: the cause in a word, and in a sentence."""

    cause: str
    why: str


@dataclass(frozen=True)
class TrustLimits:
    """What a pose must hold; the names are those of the mapper's parameters.

    The defaults suit the shipped weights: docs/decisions/0019-calibration.md.

    Attributes:
        min_confidence: least probability that it is right.
        max_pose_std_m: greatest standard deviation of the best mode in the plane.
        max_pose_std_rad: and in yaw.
    """

    min_confidence: float = 0.85
    max_pose_std_m: float = 5.0
    max_pose_std_rad: float = 1.0

    def distrust_between(
        self, pose: NDArray[np.float64], mode_pose: NDArray[np.float64]
    ) -> Distrust | None:
        """What speaks against a pose (3,) whose best mode, which was judged, is elsewhere.

        The mean of several modes is at none of them.
        """
        off_m = math.dist(pose[:2], mode_pose[:2])
        if off_m > self.max_pose_std_m:
            return Distrust(
                "mode", f"the pose is {off_m:.2f} m from its best mode: give estimate 'cluster'"
            )
        return None

    def distrust(
        self, state: State, confidence: float, mode_covariance: NDArray[np.float64]
    ) -> Distrust | None:
        """What speaks against a pose, if anything does.

        A narrow covariance is not enough: a robot that was carried away may be sure of a wrong
        place. That of the best mode (3, 3) counts, which says how well the place is known if it is
        the right one; how probable that is the confidence says.
        """
        if state != State.TRACKING:
            return Distrust("state", f"the localizer is {state.name}")
        if not confidence >= self.min_confidence:
            told = f"confidence {confidence:.2f}"
            return Distrust("confidence", f"{told} is below min_confidence {self.min_confidence:g}")
        if not np.isfinite(mode_covariance).all():
            return Distrust("width", "the covariance of the best mode is not finite")
        std_m = math.sqrt(max(0.0, float(np.linalg.eigvalsh(mode_covariance[:2, :2])[-1])))
        std_rad = math.sqrt(max(0.0, float(mode_covariance[2, 2])))
        if std_m > self.max_pose_std_m or std_rad > self.max_pose_std_rad:
            return Distrust(
                "width",
                f"the best mode is {std_m:.2f} m and {std_rad:.2f} rad wide, max_pose_std_m is "
                f"{self.max_pose_std_m:g} and max_pose_std_rad {self.max_pose_std_rad:g}",
            )
        return None
