"""The camera whose images a network was trained with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmn_core.cameras.distortion import FloatArray
from dmn_core.cameras.panorama import ALL_AROUND_DEG, POLE_TO_POLE_DEG
from dmn_core.errors import CameraError

FLAT_DEG = 90.0
FieldOfView = tuple[float, float]
BY_SHAPE: FieldOfView = (0.0, 0.0)


@dataclass(frozen=True)
class NetworkCamera:
    """A level camera that looks ahead: a pinhole, or a panorama from 180 degrees across.

    Attributes:
        width, height: of its images [pixels].
        horizontal_deg, vertical_deg: its field of view.
    """

    width: int
    height: int
    horizontal_deg: float = FLAT_DEG
    vertical_deg: float = FLAT_DEG

    def __post_init__(self) -> None:
        """Refuse fields that no camera has."""
        widest = POLE_TO_POLE_DEG if self.is_panorama else np.nextafter(POLE_TO_POLE_DEG, 0)
        if not (0 < self.horizontal_deg <= ALL_AROUND_DEG and 0 < self.vertical_deg <= widest):
            raise CameraError(
                "field_of_view_deg wants below 180 both ways for a pinhole camera, up to 360 x 180 "
                f"for panoramas, got {self.horizontal_deg!r} x {self.vertical_deg!r}"
            )

    @classmethod
    def of_size(
        cls, *, height: int, width: int, field_of_view_deg: FieldOfView = BY_SHAPE
    ) -> NetworkCamera:
        """The camera of images of a size; without a stated field of view it follows from the shape.

        Images that are at least twice as wide as high (the paper's 104 x 208) are panoramas of
        360 x 180 degrees, others are of a pinhole camera with 90 degrees both ways.
        """
        if field_of_view_deg == BY_SHAPE:
            panorama = width >= 2 * height
            field_of_view_deg = (
                (ALL_AROUND_DEG, POLE_TO_POLE_DEG) if panorama else (FLAT_DEG, FLAT_DEG)
            )
        return cls(width, height, *field_of_view_deg)

    @property
    def is_panorama(self) -> bool:
        """Whether images are equirectangular."""
        return self.horizontal_deg >= POLE_TO_POLE_DEG

    def rays(self, *, supersampling: int = 1) -> FloatArray:
        """Directions (H s, W s, 3) in the optical frame of its pixels' centres, s per pixel."""
        columns = self._steps(self.width * supersampling)
        rows = self._steps(self.height * supersampling)
        if self.is_panorama:
            right, down = np.meshgrid(
                columns * np.radians(self.horizontal_deg) / 2,
                rows * np.radians(self.vertical_deg) / 2,
            )
            flat = np.cos(down)
            return np.stack([flat * np.sin(right), np.sin(down), flat * np.cos(right)], axis=-1)
        x, y = np.meshgrid(
            columns * np.tan(np.radians(self.horizontal_deg) / 2),
            rows * np.tan(np.radians(self.vertical_deg) / 2),
        )
        return np.stack([x, y, np.ones_like(x)], axis=-1)

    @staticmethod
    def _steps(count: int) -> FloatArray:
        """Centres of `count` equal parts of [-1, 1]."""
        return (2 * np.arange(count) + 1) / count - 1
