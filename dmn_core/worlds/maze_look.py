"""How one maze may look different from the next: camera, colours, textures, compression.

Weights trained on mazes of many looks are to carry over to frames that another program drew of
mazes of the same geometry: the published ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError

ORIGINAL_EYE_HEIGHT = 0.5


@dataclass(frozen=True)
class MazeLook:
    """The look of one maze.

    Attributes:
        field_of_view_deg: of the camera, both ways.
        eye_height: of the camera, as a share of the wall height.
        texture_scale: how often a texture repeats along a cell.
        channel_gain: of red, green and blue of all textures.
        jpeg_quality: of the frames before they are shrunk, in %; 0 for no compression.
    """

    field_of_view_deg: float = 90.0
    eye_height: float = ORIGINAL_EYE_HEIGHT
    texture_scale: float = 1.0
    channel_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    jpeg_quality: int = 0


@dataclass(frozen=True)
class LookSpread:
    """Ranges from which every maze draws its look, evenly; all zero is the original look.

    Attributes:
        field_of_view_deg: to either side of 90.
        eye_height: to either side of half the wall height, as a share of the wall height.
        texture_scale: factor that textures are at most enlarged or shrunk by, less 1.
        channel_gain: to either side of 1.
        lowest_jpeg_quality: in %, the best being 95; 0 for no compression.
    """

    field_of_view_deg: float = 4.0
    eye_height: float = 0.05
    texture_scale: float = 0.3
    channel_gain: float = 0.15
    lowest_jpeg_quality: int = 40

    def __post_init__(self) -> None:
        """Refuse what no camera and no texture can be."""
        if not (0 <= self.field_of_view_deg < 60 and 0 <= self.eye_height < 0.5):
            raise WorldError(
                "a spread of looks wants field_of_view_deg in [0, 60) and eye_height in [0, 0.5), "
                f"got {self.field_of_view_deg!r} and {self.eye_height!r}"
            )

    def draw(self, rng: np.random.Generator) -> MazeLook:
        """The look of one maze."""
        scale = np.log1p(self.texture_scale) * rng.uniform(-1, 1)
        gain = 1 + self.channel_gain * rng.uniform(-1, 1, size=3)
        lowest = self.lowest_jpeg_quality
        return MazeLook(
            field_of_view_deg=90.0 + self.field_of_view_deg * rng.uniform(-1, 1),
            eye_height=ORIGINAL_EYE_HEIGHT + self.eye_height * rng.uniform(-1, 1),
            texture_scale=float(np.exp(scale)),
            channel_gain=(float(gain[0]), float(gain[1]), float(gain[2])),
            jpeg_quality=int(rng.integers(lowest, 96)) if lowest else 0,
        )


def tinted(texture: NDArray[np.uint8], look: MazeLook) -> NDArray[np.uint8]:
    """A texture (H, W, 3) in the colours of a look."""
    if look.channel_gain == MazeLook.channel_gain:
        return texture
    changed = texture.astype(np.float64) * np.array(look.channel_gain)
    return changed.round().clip(0, 255).astype(np.uint8)


def compressed(image: NDArray[np.uint8], look: MazeLook) -> NDArray[np.uint8]:
    """An RGB frame (H, W, 3) as it comes back from JPEG."""
    if look.jpeg_quality == 0:
        return image
    quality = [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality]
    done, data = cv2.imencode(".jpg", image[..., ::-1], quality)
    if not done:
        raise WorldError(f"cannot compress an image of shape {image.shape!r} as JPEG")
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
