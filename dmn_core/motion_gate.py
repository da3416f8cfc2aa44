"""Which images are worth weighing: those from where the robot has not been just now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmn_core.errors import ConfigurationError


@dataclass(frozen=True)
class MotionGate:
    """How far a robot moves before another image is weighed; the names are nav2_amcl's.

    Attributes:
        update_min_d: distance [m] since the last weighed image.
        update_min_a: turn [rad] since then; either is enough, and 0 weighs every image.
        first_images: after a start so many are weighed in any case, until the robot is tracked. One
            image rarely tells where a robot is, and many of one view would be believed too much.
    """

    update_min_d: float = 0.0
    update_min_a: float = 0.0
    first_images: int = 0

    def __post_init__(self) -> None:
        """Refuse distances below 0."""
        for name, value in vars(self).items():
            if not value >= 0:
                raise ConfigurationError(f"{name} wants a number >= 0, got {value!r}")

    def opens(self, motion: np.ndarray) -> bool:
        """Whether a motion (3,) [m, m, rad] since the last weighed image is enough."""
        far = np.hypot(motion[0], motion[1]) >= self.update_min_d
        return bool(far or abs(motion[2]) >= self.update_min_a)
