"""Equirectangular panoramas from the six faces of a cube around the camera."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

# Forward and up of each face in the camera's frame: x ahead, y to the left, z up.
FACES = (
    ((1, 0, 0), (0, 0, 1)),
    ((0, -1, 0), (0, 0, 1)),
    ((-1, 0, 0), (0, 0, 1)),
    ((0, 1, 0), (0, 0, 1)),
    ((0, 0, 1), (-1, 0, 0)),
    ((0, 0, -1), (1, 0, 0)),
)
_FACE_SHARE = 8 / 13
_BORDER_PX = 2
"""By how much a face reaches beyond its edges, so that interpolation finds its neighbours there."""


@dataclass(frozen=True)
class PanoramaConfig:
    """A camera that sees all around, level.

    Attributes:
        height, width: of the panorama [pixels].
        camera_height_m: above the road.
        supersampling: by how much finer the panorama is taken from the faces, then shrunk.
    """

    height: int = 104
    width: int = 208
    camera_height_m: float = 2.5
    supersampling: int = 2

    def __post_init__(self) -> None:
        """Refuse panoramas without pixels."""
        if min(self.height, self.supersampling) < 1 or self.width < 16:
            raise WorldError(
                "a panorama wants a positive height, a width of 16 or more and supersampling of 1 "
                f"or more, got {self.height!r}, {self.width!r} and {self.supersampling!r}"
            )

    @property
    def face_px(self) -> int:
        """Side of a cube's face in pixels: about twice as fine as the panorama."""
        return round(_FACE_SHARE * self.width)

    @property
    def face_half_tangent(self) -> float:
        """Tangent of half the angle that a face covers: 1 at 45 degrees, and its border."""
        return self.face_px / (self.face_px - 2 * _BORDER_PX)


def ray_directions(height: int, width: int) -> FloatArray:
    """Directions (H, W, 3) of the pixels of a panorama: x ahead, y to the left, z up.

    The heading lies in the middle of the columns, and columns go clockwise.
    """
    right = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    up = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    azimuth, elevation = np.meshgrid(-right, up)
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)


@dataclass(frozen=True)
class CubeUnwrapper:
    """Bends the faces of a cube, side by side in the order of FACES, into a panorama."""

    config: PanoramaConfig
    _maps: tuple[NDArray[np.float32], NDArray[np.float32]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compute once where each pixel comes from."""
        config = self.config
        fine = (config.supersampling * config.height, config.supersampling * config.width)
        directions = ray_directions(*fine)
        columns, rows = np.zeros(fine, np.float32), np.zeros(fine, np.float32)
        nearest = np.argmax(directions @ np.array([ahead for ahead, _ in FACES]).T, axis=-1)
        for number, (ahead, up) in enumerate(FACES):
            mask = nearest == number
            forward, upward = np.array(ahead, float), np.array(up, float)
            frame = np.stack([forward, np.cross(forward, upward), upward])
            depth, right, high = (directions[mask] @ frame.T).T
            scale = config.face_px / 2 / config.face_half_tangent
            middle = (config.face_px - 1) / 2
            columns[mask] = number * config.face_px + middle + scale * right / depth
            rows[mask] = middle - scale * high / depth
        object.__setattr__(self, "_maps", (columns, rows))

    def unwrap(self, faces: Image) -> Image:
        """Return the panorama (H, W, 3) of faces (S, 6 S, 3)."""
        fine = cv2.remap(faces, *self._maps, interpolation=cv2.INTER_LINEAR)
        size = (self.config.width, self.config.height)
        return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
