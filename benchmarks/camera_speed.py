"""Images brought to the network's camera against plain resizing: time per image, in one run.

python benchmarks/camera_speed.py [--width 640] [--height 480]
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import tyro

from dmn_core.cameras import Distortion, ImageAdapter, NetworkCamera, PanoramaCamera, PinholeCamera
from dmn_core.cameras.adapter import Camera
from dmn_core.views import resize_rgb

BARREL = Distortion("plumb_bob", (-0.3, 0.1, 0.001, -0.001, 0.0))
FISHEYE = Distortion("equidistant", (-0.02, 0.004, 0.0, 0.0))


@dataclass(frozen=True)
class Settings:
    """Benchmark of image adapters."""

    width: int = 640
    height: int = 480
    repeats: int = 300


def cameras(width: int, height: int) -> dict[str, Camera]:
    """What took the images."""

    def pinhole(across_deg: float, lens: Distortion | None = None) -> PinholeCamera:
        focal = width / 2 / np.tan(np.radians(across_deg) / 2)
        middle = ((width - 1) / 2, (height - 1) / 2)
        return PinholeCamera(width, height, focal, focal, *middle, lens or Distortion())

    return {
        "pinhole, 60 degrees": pinhole(60.0),
        "pinhole, 120 degrees": pinhole(120.0),
        "75 degrees, distorted": pinhole(75.0, BARREL),
        "fisheye": pinhole(110.0, FISHEYE),
        "panorama": PanoramaCamera(width, height),
    }


def milliseconds(work: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple:
    """Median times of two calls, taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for call, found in zip((work, other), times, strict=True):
            begin = time.perf_counter()
            call()
            found.append(1e3 * (time.perf_counter() - begin))
    return tuple(map(statistics.median, times))


def main(settings: Settings) -> None:
    """Print a Markdown table."""
    cv2.setNumThreads(1)
    size = (settings.height, settings.width, 3)
    image = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    print(f"{settings.width} x {settings.height}, one thread, OpenCV {cv2.__version__}\n")
    print("| camera | network | prepared in ms | adapted in ms | resized in ms | ratio |")
    print("|---|---|---|---|---|---|")
    for height, width in ((32, 32), (104, 208)):
        target = NetworkCamera.of_size(height=height, width=width)
        for name, camera in cameras(settings.width, settings.height).items():
            begin = time.perf_counter()
            adapter = ImageAdapter(camera, target)
            prepared = 1e3 * (time.perf_counter() - begin)
            ours, plain = milliseconds(
                lambda adapter=adapter: adapter(image),
                lambda height=height, width=width: resize_rgb(image, height=height, width=width),
                settings.repeats,
            )
            network = f"{width} x {height}"
            row = f"{prepared:.0f} | {ours:.2f} | {plain:.2f} | {ours / plain:.2f}"
            print(f"| {name} | {network} | {row} |")


if __name__ == "__main__":
    main(tyro.cli(Settings))
