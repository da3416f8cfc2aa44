"""A camera that looks all around: equirectangular panoramas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras.distortion import FloatArray
from dmn_core.errors import CameraError

ALL_AROUND_DEG, POLE_TO_POLE_DEG = 360.0, 180.0


@dataclass(frozen=True)
class PanoramaCamera:
    """Equirectangular images: columns are equal steps to the right, rows equal steps down.

    The middle looks ahead.

    Attributes:
        width, height: of its images [pixels].
        horizontal_deg, vertical_deg: what they cover.
    """

    width: int
    height: int
    horizontal_deg: float = ALL_AROUND_DEG
    vertical_deg: float = POLE_TO_POLE_DEG

    def __post_init__(self) -> None:
        """Refuse images without pixels and fields beyond the sphere."""
        if min(self.width, self.height) < 1:
            raise CameraError(
                f"a panorama wants a positive width and height, got {self.width!r} x "
                f"{self.height!r}"
            )
        if not (
            0 < self.horizontal_deg <= ALL_AROUND_DEG and 0 < self.vertical_deg <= POLE_TO_POLE_DEG
        ):
            raise CameraError(
                f"a panorama wants a field of up to 360 x 180 degrees, got {self.horizontal_deg!r} "
                f"x {self.vertical_deg!r}"
            )

    @classmethod
    def all_around(cls, *, height: int, width: int) -> PanoramaCamera:
        """A panorama of 360 degrees with square pixels, the horizon in the middle row."""
        return cls(width, height, ALL_AROUND_DEG, min(ALL_AROUND_DEG * height / width, 180.0))

    @property
    def wraps(self) -> bool:
        """Whether the left edge continues at the right one."""
        return self.horizontal_deg == ALL_AROUND_DEG

    def project(self, rays: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Pixels (..., 2) of directions (..., 3) in the optical frame, and which are seen."""
        right = np.arctan2(rays[..., 0], rays[..., 2])
        down = np.arctan2(rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
        across = np.degrees(right) / self.horizontal_deg + 0.5
        along = np.degrees(down) / self.vertical_deg + 0.5
        slack = 1e-9
        seen = (np.abs(across - 0.5) <= 0.5 + slack) & (np.abs(along - 0.5) <= 0.5 + slack)
        pixels = np.stack([across * self.width, along * self.height], axis=-1) - 0.5
        return pixels, seen
