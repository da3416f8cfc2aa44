"""The pinhole camera of simulated worlds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmn_core.errors import WorldError


@dataclass(frozen=True)
class CameraConfig:
    """A pinhole camera that looks forward, level.

    Images are drawn at `supersampling` times `height` x `width` and shrunk by area, which is how
    the small images of the published data sets came from larger frames.
    """

    width: int = 32
    height: int = 32
    field_of_view_deg: float = 90.0
    supersampling: float = 84 / 32

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1:
            raise WorldError(f"image size must be positive, not {self.width!r} x {self.height!r}")
        if not 0 < self.field_of_view_deg < 180:
            raise WorldError(
                f"field_of_view_deg must be between 0 and 180, not {self.field_of_view_deg!r}"
            )
        if self.supersampling < 1:
            raise WorldError(f"supersampling must be at least 1, not {self.supersampling!r}")

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height in pixels at which images are drawn."""
        return round(self.width * self.supersampling), round(self.height * self.supersampling)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels of the final image (square pixels)."""
        return self.width / 2 / float(np.tan(np.radians(self.field_of_view_deg) / 2))
