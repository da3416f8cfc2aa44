"""A robot's camera with a lens in front of a plane, as a calibration describes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras.distortion import Distortion, FloatArray
from dmn_core.errors import CameraError

# Drivers that scale images keep their shape up to rounding.
SHAPE_TOLERANCE = 0.02


@dataclass(frozen=True)
class PinholeCamera:
    """A calibrated camera.

    Attributes:
        width, height: of its images [pixels].
        fx, fy: focal lengths [pixels].
        cx, cy: where the optical axis meets the image [pixels]; the first pixel's centre is 0.
        distortion: of its lens.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Distortion = field(default_factory=Distortion)

    def __post_init__(self) -> None:
        """Refuse what is no calibration."""
        if min(self.width, self.height) < 1:
            raise CameraError(
                f"a camera wants a positive width and height, got {self.width!r} x {self.height!r}"
            )
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if not (np.isfinite(numbers).all() and self.fx > 0 and self.fy > 0):
            raise CameraError(
                f"a camera wants focal lengths fx, fy above 0 and a finite centre cx, cy, got "
                f"{numbers!r}"
            )

    @property
    def wraps(self) -> bool:
        """Whether the left edge continues at the right one: never."""
        return False

    def project(self, rays: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Pixels (..., 2) of directions (..., 3) in the optical frame, and which of them are seen.

        What is not seen gets a pixel outside of the image, on the side where it lies.
        """
        points, imaged = self.distortion.image_of(rays)
        pixels = points * (self.fx, self.fy) + (self.cx, self.cy)
        inside = (pixels >= -0.5) & (pixels <= (self.width - 0.5, self.height - 0.5))
        return pixels, imaged & inside.all(axis=-1)

    def resized(self, *, height: int, width: int) -> PinholeCamera:
        """The same camera with images scaled to another size.

        Raises:
            CameraError: the size has another shape, so that images were cropped.
        """
        across, down = width / self.width, height / self.height
        if abs(across / down - 1) > SHAPE_TOLERANCE:
            raise CameraError(
                f"the calibration is for images of {self.width} x {self.height} pixels, got an "
                f"image of {width} x {height}, which is of another shape: publish the camera_info "
                "of these images, or switch off its use with camera: none"
            )
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=(self.cx + 0.5) * across - 0.5,
            cy=(self.cy + 0.5) * down - 0.5,
        )
