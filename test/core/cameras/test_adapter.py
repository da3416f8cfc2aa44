"""Images of any camera become those that the network's camera takes: a world of known colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dmn_core.cameras import (
    Distortion,
    ImageAdapter,
    ImageFitter,
    NetworkCamera,
    PanoramaCamera,
    PinholeCamera,
)
from dmn_core.errors import CameraError
from dmn_core.views import resize_rgb

SMALL = NetworkCamera(32, 32)
AROUND = NetworkCamera.of_size(height=104, width=208)


def colours(rays: np.ndarray) -> np.ndarray:
    """The world (..., 3) in [0, 255] seen in directions (..., 3): waves without an edge."""
    x, y, z = np.moveaxis(rays / np.linalg.norm(rays, axis=-1, keepdims=True), -1, 0)
    waves = [np.sin(7 * x + 2 * z), np.cos(6 * y - 3 * x), np.sin(5 * z * x + 4 * y)]
    return 127.5 + 110 * np.stack(waves, axis=-1)


def taken_by(target: NetworkCamera) -> np.ndarray:
    """What a network's camera sees of the world, averaged over pixels."""
    fine = colours(target.rays(supersampling=4)).astype(np.float32)
    return cv2.resize(fine, (target.width, target.height), interpolation=cv2.INTER_AREA)


def photograph(camera: PinholeCamera) -> np.ndarray:
    """What a calibrated camera sees of the world, by OpenCV's inverse of the lens."""
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), axis=-1)
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    lens, points = camera.distortion, pixels.reshape(-1, 1, 2).astype(np.float64)
    if lens.model == "equidistant":
        flat = cv2.fisheye.undistortPoints(points, matrix, np.array(lens.coefficients))
    else:
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
        flat = cv2.undistortPointsIter(
            points, matrix, np.array(lens.coefficients or (0.0,) * 4), None, None, criteria
        )
    rays = np.concatenate([flat, np.ones((*flat.shape[:2], 1))], axis=-1)
    return rounded(colours(rays).reshape(camera.height, camera.width, 3))


def panorama(camera: PanoramaCamera) -> np.ndarray:
    columns = (np.arange(camera.width) + 0.5) / camera.width - 0.5
    rows = (np.arange(camera.height) + 0.5) / camera.height - 0.5
    right, down = np.meshgrid(
        columns * np.radians(camera.horizontal_deg), rows * np.radians(camera.vertical_deg)
    )
    flat = np.cos(down)
    rays = np.stack([flat * np.sin(right), np.sin(down), flat * np.cos(right)], axis=-1)
    return rounded(colours(rays))


def rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def pinhole(width: int, height: int, across_deg: float, *lens: object) -> PinholeCamera:
    focal = width / 2 / np.tan(np.radians(across_deg) / 2)
    centre = ((width - 1) / 2, (height - 1) / 2)
    return PinholeCamera(width, height, focal, focal, *centre, Distortion(*lens))  # type: ignore[arg-type]


def largest_error(adapter: ImageAdapter, image: np.ndarray, target: NetworkCamera) -> float:
    """In grey values, where the camera sees; without the rim, whose pixels it sees in part."""
    inner = cv2.erode(adapter.seen.astype(np.uint8), np.ones((3, 3)), borderValue=1) > 0
    assert inner.any()
    return float(np.abs(adapter(image)[inner] - taken_by(target)[inner]).max())


CAMERAS = {
    "vga 60": (pinhole(640, 480, 60.0), 0.24),
    "vga 120": (pinhole(640, 480, 120.0), 1.0),
    "hd 69, as of a depth camera": (pinhole(1280, 720, 69.4), 0.25),
    "odd size": (pinhole(333, 251, 100.0), 0.85),
    "tiny": (pinhole(40, 30, 90.0), 0.75),
    "plumb bob": (pinhole(640, 480, 75.0, "plumb_bob", (-0.3, 0.1, 1e-3, -1e-3, 0.0)), 0.45),
    "off centre": (PinholeCamera(640, 480, 330.0, 320.0, 350.0, 210.0), 0.7),
    "fisheye": (
        PinholeCamera(
            640, 480, 230.0, 230.0, 319.5, 239.5, Distortion("equidistant", (-0.02, 0.004, 0, 0))
        ),
        1.0,
    ),
}


@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_a_pinhole_of_90_degrees_comes_of_every_camera(name: str) -> None:
    camera, at_least = CAMERAS[name]
    adapter = ImageAdapter(camera, SMALL)
    assert adapter.seen_share >= at_least
    assert largest_error(adapter, photograph(camera), SMALL) < 4


def test_resizing_alone_is_far_off() -> None:
    """The same measure for what a resize gives, lest the world above be too kind."""
    image = photograph(pinhole(640, 480, 60.0))
    assert np.abs(resize_rgb(image, height=32, width=32) - taken_by(SMALL)).max() > 60


@pytest.mark.parametrize("side", [64, 300])
def test_larger_networks_see_as_much(side: int) -> None:
    target, camera = NetworkCamera(side, side, 70.0, 50.0), CAMERAS["plumb bob"][0]
    assert largest_error(ImageAdapter(camera, target), photograph(camera), target) < 4


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (PanoramaCamera(832, 416), SMALL),
        (PanoramaCamera(417, 209), SMALL),
        (PanoramaCamera(832, 416), AROUND),
        (PanoramaCamera.all_around(width=1632, height=408), AROUND),
        (PanoramaCamera(600, 300, 200.0, 100.0), AROUND),
        (PanoramaCamera(832, 416), NetworkCamera(128, 64, 270.0, 120.0)),
    ],
)
def test_panoramas_look_ahead_or_around(source: PanoramaCamera, target: NetworkCamera) -> None:
    assert largest_error(ImageAdapter(source, target), panorama(source), target) < 4


def test_a_panorama_has_no_seam_behind() -> None:
    adapter = ImageAdapter(PanoramaCamera(416, 208), AROUND)
    fine = ImageAdapter(PanoramaCamera(500, 250), AROUND)(panorama(PanoramaCamera(500, 250)))
    for image in (adapter(panorama(PanoramaCamera(416, 208))), fine):
        assert np.abs(image[:, [0, -1]] - taken_by(AROUND)[:, [0, -1]]).max() < 4


def test_a_pinhole_fills_its_part_of_a_panorama() -> None:
    camera = pinhole(640, 480, 90.0)
    adapter = ImageAdapter(camera, AROUND)
    assert largest_error(adapter, photograph(camera), AROUND) < 4
    columns = np.flatnonzero(adapter.seen.any(axis=0))
    assert (columns[0], columns[-1]) == (78, 129)  # a quarter of 208, in the middle


def test_what_is_not_seen_repeats_the_edge() -> None:
    """A camera of 60 degrees: stripes across go on to the sides, stripes down above and below."""
    camera = pinhole(640, 480, 60.0)
    adapter = ImageAdapter(camera, SMALL)
    ramp = np.linspace(20, 220, 480).astype(np.uint8)
    image = adapter(np.broadcast_to(ramp[:, None, None], (480, 640, 3)).copy())
    rows, columns = np.nonzero(adapter.seen)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    assert (top, bottom, left, right) == (9, 22, 7, 24)
    assert (image == image[:, 16:17]).all()
    assert np.abs(image[:top].astype(int) - 20).max() <= 8
    assert np.abs(image[bottom + 1 :].astype(int) - 220).max() <= 8
    assert (np.diff(image[:, 16, 0].astype(int)) >= 0).all()


def test_images_of_the_network_s_own_camera_are_only_resized() -> None:
    """Drivers that put the centre at W / 2 count as well."""
    image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    for centre in (47.5, 48.0):
        adapter = ImageAdapter(PinholeCamera(96, 96, 48.0, 48.0, centre, centre), SMALL)
        assert np.array_equal(adapter(image), resize_rgb(image, height=32, width=32))
        assert adapter.seen_share == 1


def test_one_fitter_serves_images_of_several_sizes() -> None:
    camera = CAMERAS["plumb bob"][0]
    fit = ImageFitter(SMALL, camera.resized)
    image = photograph(camera)
    half = cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(fit(image).astype(int) - fit(half)).max() < 6
    assert fit.adapter(height=480, width=640) is fit.adapter(height=480, width=640)
    with pytest.raises(CameraError, match="another shape"):
        fit(np.zeros((480, 480, 3), np.uint8))
    with pytest.raises(CameraError, match="wanted an image of 640 x 480"):
        ImageAdapter(camera, SMALL)(half)


def test_a_camera_that_looks_past_everything_is_refused() -> None:
    with pytest.raises(CameraError, match="sees nothing"):
        ImageAdapter(PinholeCamera(640, 480, 500.0, 500.0, 5000.0, 240.0), SMALL)
