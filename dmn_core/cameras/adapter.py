"""Images of a robot's camera made into images of the network's camera.

Each pixel of the network's image looks into a direction; it gets the colour that the robot's camera
sees there, averaged over the pixel. Distortion is undone on the way, and what the robot's camera
sees beyond the network's field is left out. Directions that it does not see repeat the edge of what
it sees: walls go on to the side, sky above and floor below, where a constant colour would draw
edges that no place has (docs/decisions/0016-field-of-view.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras.distortion import FloatArray
from dmn_core.cameras.network_camera import NetworkCamera
from dmn_core.errors import CameraError
from dmn_core.views import resize_rgb

# Samples per pixel and axis, of small and of large targets; images that are finer still are first
# shrunk by a whole number.
MOST_SAMPLES, FEWER_SAMPLES = 4, 2
LARGE_PX = 64
# Closer than this to a plain resize, an image is plainly resized: drivers do not agree on whether
# the middle of an image lies at W / 2 or half a pixel before it.
PLAIN_WITHIN_PX = 0.6
# Of a pixel, to which OpenCV rounds where it reads.
_FRACTION = 1 / 32


class Camera(Protocol):
    """What takes images of directions."""

    @property
    def width(self) -> int:
        """Of its images [pixels]."""

    @property
    def height(self) -> int:
        """Of its images [pixels]."""

    @property
    def wraps(self) -> bool:
        """Whether the left edge continues at the right one."""

    def project(self, rays: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Pixels (..., 2) of directions (..., 3) in the optical frame, and which are seen."""


@dataclass(frozen=True)
class _Axis:
    """What is read along one axis of an image: pixels from `first` on, then shrunk."""

    first: int
    pixels: int
    shrunk: int

    @classmethod
    def covering(cls, low: float, high: float, size: int, factor: int, *, all_of_it: bool) -> _Axis:
        """From `low` to `high`, widened by what interpolation reads, in whole groups of pixels."""
        first, last = max(int(low) - 2 * factor, 0), min(int(high) + 2 * factor + 1, size)
        if all_of_it or last <= first:
            first, last = 0, size
        pixels = min(-(-(last - first) // factor) * factor, size)
        return cls(min(first, size - pixels), pixels, max(round(pixels / factor), 1))

    @property
    def part(self) -> slice:
        """Of the image."""
        return slice(self.first, self.first + self.pixels)

    def place(self, positions: FloatArray) -> FloatArray:
        """Positions in the image -> positions in what is read."""
        return (positions - self.first + 0.5) * self.shrunk / self.pixels - 0.5

    def inside(self, places: FloatArray) -> FloatArray:
        """The nearest places with neighbours inside; OpenCV is slow where it makes these up."""
        return np.clip(places, 0.0, max(self.shrunk - 1.0 - _FRACTION, 0.0))


class ImageAdapter:
    """Images of one camera to images of another; where each pixel comes from is computed once."""

    def __init__(self, camera: Camera, target: NetworkCamera) -> None:
        """Prepare.

        Raises:
            CameraError: the camera sees nothing of the target's field of view.
        """
        self.camera, self.target = camera, target
        pixels, seen = camera.project(target.rays())
        self.seen: NDArray[np.bool_] = seen
        if not seen.any():
            raise CameraError(
                f"the camera {camera!r} sees nothing of the network's field of view {target!r}: "
                "check its calibration, or switch off the use of camera_info with camera: none"
            )
        self._plain = self._is_plain(pixels)
        if not self._plain:
            self._prepare(pixels)

    @property
    def seen_share(self) -> float:
        """Share of the network's image that the camera sees; the rest repeats edges."""
        return float(self.seen.mean())

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGB (H, W, 3) of the camera -> RGB (h, w, 3) of the target.

        Raises:
            CameraError: the image is not of the camera's size.
        """
        if image.shape[:2] != (self.camera.height, self.camera.width):
            raise CameraError(
                f"wanted an image of {self.camera.width} x {self.camera.height} pixels, got shape "
                f"{image.shape!r}"
            )
        height, width = self.target.height, self.target.width
        if self._plain:
            return resize_rgb(image, height=height, width=width)
        part = image[self._rows.part, self._columns.part]
        shrunk = resize_rgb(part, height=self._rows.shrunk, width=self._columns.shrunk)
        fine = cv2.remap(shrunk, *self._maps, cv2.INTER_LINEAR, borderMode=self._border)
        return resize_rgb(np.asarray(fine, dtype=np.uint8), height=height, width=width)

    def _is_plain(self, pixels: FloatArray) -> bool:
        columns, rows = (
            (np.arange(small) + 0.5) * large / small - 0.5
            for small, large in (
                (self.target.width, self.camera.width),
                (self.target.height, self.camera.height),
            )
        )
        plain = np.stack(np.meshgrid(columns, rows), axis=-1)
        return bool((np.abs(pixels - plain) <= PLAIN_WITHIN_PX).all())

    def _prepare(self, pixels: FloatArray) -> None:
        camera, wraps = self.camera, self.camera.wraps
        across, down = (
            _density(pixels[..., 0], self.seen, 1),
            _density(pixels[..., 1], self.seen, 0),
        )
        large = max(self.target.height, self.target.width) > LARGE_PX
        most = FEWER_SAMPLES if large else MOST_SAMPLES
        samples = int(np.clip(np.ceil(max(across, down)), 1, most))
        fine, _ = camera.project(self.target.rays(supersampling=samples))
        low, high = fine.min(axis=(0, 1)), fine.max(axis=(0, 1))
        self._columns, self._rows = (
            _Axis.covering(
                low[axis], high[axis], size, max(int(density / samples), 1), all_of_it=wraps
            )
            for axis, size, density in ((0, camera.width, across), (1, camera.height, down))
        )
        x, y = self._columns.place(fine[..., 0]), self._rows.place(fine[..., 1])
        x, y = x if wraps else self._columns.inside(x), self._rows.inside(y)
        self._border = cv2.BORDER_WRAP if wraps else cv2.BORDER_REPLICATE
        x32, y32 = x.astype(np.float32), y.astype(np.float32)
        self._maps = cv2.convertMaps(x32, y32, cv2.CV_16SC2)


class ImageFitter:
    """Adapts images of whatever size the camera gives, with one adapter for each size."""

    def __init__(self, target: NetworkCamera, camera_of_size: Callable[..., Camera]) -> None:
        """Adapt to `target`; `camera_of_size(height=, width=)` is the camera of such images."""
        self._target, self._camera_of_size = target, camera_of_size
        self._adapters: dict[tuple[int, int], ImageAdapter] = {}

    def adapter(self, *, height: int, width: int) -> ImageAdapter:
        """The adapter of images of this size.

        Raises:
            CameraError: the camera has no images of this shape, or sees nothing of the target.
        """
        size = (height, width)
        if size not in self._adapters:
            camera = self._camera_of_size(height=height, width=width)
            self._adapters[size] = ImageAdapter(camera, self._target)
        return self._adapters[size]

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGB (H, W, 3) -> RGB (h, w, 3); raises as `adapter` does."""
        return self.adapter(height=image.shape[0], width=image.shape[1])(image)


def _density(positions: FloatArray, seen: NDArray[np.bool_], axis: int) -> float:
    """Pixels of the camera for each of the target, along an axis, in the middle of what is seen."""
    steps = np.abs(np.diff(positions, axis=axis))
    both = seen[1:] & seen[:-1] if axis == 0 else seen[:, 1:] & seen[:, :-1]
    return float(np.median(steps[both])) if both.any() else 1.0
