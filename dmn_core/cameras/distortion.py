"""Lens distortion as `sensor_msgs/CameraInfo` names it: from directions to the normalized image.

Source: the models of OpenCV's `calib3d` and `fisheye` modules, in the order of coefficients there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import CameraError

FloatArray = NDArray[np.float64]

# How many coefficients each model may come with; absent ones are zero.
COUNTS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
}
ALIASES = {"": "none", "fisheye": "equidistant", "kannala_brandt": "equidistant"}

# Beyond these no direction is imaged: a plane cannot show what lies sideways, a fisheye its back.
WIDEST_FLAT_RAD = np.radians(89.0)
WIDEST_FISHEYE_RAD = np.radians(179.0)
_SAMPLES = 2000


@dataclass(frozen=True)
class Distortion:
    """What a lens does to directions.

    A polynomial is fitted where the camera looks and may turn back beyond. Directions beyond the
    angle at which it does so are imaged at that angle, so that nothing is seen twice.

    Attributes:
        model: none, plumb_bob, rational_polynomial or equidistant.
        coefficients: k1, k2, p1, p2, k3, ... ; k1 to k4 for equidistant.
        limit_rad: angle from the optical axis up to which the model is one to one.
    """

    model: str = "none"
    coefficients: tuple[float, ...] = ()
    limit_rad: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse unknown models and wrong numbers of coefficients; find the limit."""
        model = ALIASES.get(self.model, self.model)
        values = tuple(float(value) for value in self.coefficients)
        if model not in COUNTS:
            raise CameraError(
                f"distortion_model wants one of {sorted(COUNTS)!r}, got {self.model!r}: calibrate "
                "with one of these, or rectify the images and use those"
            )
        if not any(values):
            model, values = ("equidistant", (0.0,) * 4) if model == "equidistant" else ("none", ())
        elif len(values) not in COUNTS[model] or not np.isfinite(values).all():
            counts = " or ".join(map(str, COUNTS[model]))
            raise CameraError(
                f"distortion_model {model!r} wants {counts} finite coefficients, got {values!r}"
            )
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "coefficients", values)
        object.__setattr__(self, "limit_rad", self._limit())

    def image_of(self, rays: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Normalized image points (..., 2) of directions (..., 3), and which are within the limit.

        Directions are in the optical frame: x to the right, y down, z ahead. Those beyond the
        limit are imaged where their neighbours at the limit are.
        """
        aside = np.hypot(rays[..., 0], rays[..., 1])
        angle = np.arctan2(aside, rays[..., 2])
        towards = rays[..., :2] / np.maximum(aside, 1e-12)[..., None]
        return self._bend(np.minimum(angle, self.limit_rad), towards), angle <= self.limit_rad

    def _bend(self, angle: FloatArray, towards: FloatArray) -> FloatArray:
        if self.model == "equidistant":
            square = angle**2
            series = sum(k * square ** (n + 1) for n, k in enumerate(self.coefficients))
            return (angle * (1 + series))[..., None] * towards
        flat = np.tan(angle)[..., None] * towards
        if self.model == "none":
            return flat
        points = np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1).reshape(-1, 1, 3)
        still, unit = np.zeros(3), np.eye(3)
        bent, _ = cv2.projectPoints(points, still, still, unit, np.array(self.coefficients))
        return np.asarray(bent, dtype=np.float64).reshape(flat.shape)

    def _limit(self) -> float:
        """Where the distance from the centre stops growing with the angle, in any direction."""
        fisheye = self.model == "equidistant"
        angles = np.linspace(0.0, WIDEST_FISHEYE_RAD if fisheye else WIDEST_FLAT_RAD, _SAMPLES)
        limit = float(angles[-1])
        if self.model == "none":
            return limit
        for azimuth in np.linspace(0.0, 2 * np.pi, 8, endpoint=False):
            towards = np.broadcast_to((np.cos(azimuth), np.sin(azimuth)), (_SAMPLES, 2))
            grows = np.diff(np.sum(self._bend(angles, towards) * towards, axis=-1)) > 0
            if not grows.all():
                limit = min(limit, float(angles[np.argmin(grows)]))
        return limit
