"""Lenses and panoramas against OpenCV and against directions worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dmn_core.cameras import Distortion, NetworkCamera, PanoramaCamera, PinholeCamera
from dmn_core.errors import CameraError

LENSES = {
    "plumb_bob": (-0.32, 0.12, 0.001, -0.0007, -0.02),
    "rational_polynomial": (0.6, -0.3, 0.0004, -0.0002, -0.05, 0.9, -0.2, -0.1),
    "equidistant": (-0.02, 0.004, -0.003, 0.0006),
}


def rays(*, widest_deg: float, count: int = 500) -> np.ndarray:
    """Random directions (count, 3) at most so far from the optical axis."""
    rng = np.random.default_rng(0)
    angle = np.radians(widest_deg) * np.sqrt(rng.uniform(0, 1, count))
    azimuth = rng.uniform(0, 2 * np.pi, count)
    aside = np.sin(angle)
    return np.stack([aside * np.cos(azimuth), aside * np.sin(azimuth), np.cos(angle)], axis=-1)


def camera(model: str, coefficients: tuple[float, ...] = ()) -> PinholeCamera:
    return PinholeCamera(640, 480, 300.0, 310.0, 322.0, 237.0, Distortion(model, coefficients))


@pytest.mark.parametrize("model", sorted(LENSES))
def test_opencv_finds_the_directions_again(model: str) -> None:
    lens, seen = camera(model, LENSES[model]), rays(widest_deg=40)
    pixels, _ = lens.project(seen)
    matrix = np.array([[lens.fx, 0, lens.cx], [0, lens.fy, lens.cy], [0, 0, 1]])
    undo = cv2.fisheye.undistortPoints if model == "equidistant" else cv2.undistortPoints
    flat = undo(pixels[:, None], matrix, np.array(LENSES[model]))[:, 0]
    np.testing.assert_allclose(flat, seen[:, :2] / seen[:, 2:], atol=2e-3)


def test_a_pinhole_without_a_lens_is_a_division() -> None:
    pixels, seen = camera("none").project(np.array([[0.5, -0.25, 1.0], [1.2, 0.0, 1.0]]))
    np.testing.assert_allclose(pixels, [[472.0, 159.5], [682.0, 237.0]])
    assert seen.tolist() == [True, False]


@pytest.mark.parametrize("model", ["none", *sorted(LENSES)])
def test_nothing_is_seen_twice(model: str) -> None:
    """Directions at the side and behind are imaged beyond what is seen, on their own side."""
    lens = camera(model, LENSES.get(model, ()))
    angles = np.radians(np.arange(0, 180))
    sideways = np.stack([np.sin(angles), np.zeros(180), np.cos(angles)], axis=-1)
    pixels, seen = lens.project(sideways)
    assert (np.diff(pixels[:, 0]) >= -1e-9).all()
    assert np.array_equal(seen, np.arange(180) < seen.sum())
    assert not seen[90:].any()


def test_a_polynomial_that_turns_back_is_cut_there() -> None:
    """r (1 - 0.3 r^2) is largest where 0.9 r^2 = 1."""
    limit = Distortion("plumb_bob", (-0.3, 0.0, 0.0, 0.0, 0.0)).limit_rad
    assert abs(np.tan(limit) - np.sqrt(1 / 0.9)) < 2e-3


def test_images_of_another_size_have_the_same_directions() -> None:
    lens, seen = camera("plumb_bob", LENSES["plumb_bob"]), rays(widest_deg=30)
    half = lens.resized(height=240, width=320)
    np.testing.assert_allclose(half.project(seen)[0] + 0.5, (lens.project(seen)[0] + 0.5) / 2)
    with pytest.raises(CameraError, match="another shape"):
        lens.resized(height=360, width=640)


def test_columns_of_a_panorama_go_to_the_right_and_rows_down() -> None:
    around = PanoramaCamera(360, 180)
    ahead, right, back_left, down = (0, 0, 1), (1, 0, 0), (-1, 0, -1), (0, 1, 1)
    pixels, seen = around.project(np.array([ahead, right, back_left, down], float))
    np.testing.assert_allclose(pixels + 0.5, [[180, 90], [270, 90], [45, 90], [180, 135]])
    assert seen.all()
    narrow = PanoramaCamera(180, 90, 180.0, 90.0)
    assert narrow.project(np.array([ahead, right, back_left, (0, 2, 1)], float))[1].tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_directions_of_a_panorama_are_those_of_its_pixels() -> None:
    target = NetworkCamera.of_size(height=104, width=208)
    pixels, seen = PanoramaCamera(208, 104).project(target.rays())
    columns, rows = np.meshgrid(np.arange(208), np.arange(104))
    np.testing.assert_allclose(pixels, np.stack([columns, rows], axis=-1), atol=1e-9)
    assert seen.all()


def test_the_shape_of_images_says_what_a_network_knows() -> None:
    assert NetworkCamera.of_size(height=32, width=32) == NetworkCamera(32, 32, 90.0, 90.0)
    assert NetworkCamera.of_size(height=104, width=208) == NetworkCamera(208, 104, 360.0, 180.0)
    stated = NetworkCamera.of_size(height=32, width=32, field_of_view_deg=(50.0, 50.0))
    assert stated == NetworkCamera(32, 32, 50.0, 50.0)
    edges = stated.rays(supersampling=2)[0, 0]
    assert edges[0] == pytest.approx(-np.tan(np.radians(25)) * 63 / 64)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Distortion("omnidirectional", (0.1,)), "distortion_model wants one of"),
        (lambda: Distortion("plumb_bob", (0.1, 0.2)), "4 or 5 finite coefficients"),
        (lambda: Distortion("plumb_bob", (np.nan,) * 5), "finite coefficients"),
        (lambda: PinholeCamera(640, 480, -1.0, 300.0, 0.0, 0.0), "focal lengths"),
        (lambda: PinholeCamera(0, 480, 1.0, 300.0, 0.0, 0.0), "positive width"),
        (lambda: PanoramaCamera(36, 18, 400.0, 90.0), "up to 360 x 180"),
        (lambda: NetworkCamera(32, 32, 90.0, 180.0), "below 180"),
    ],
)
def test_what_is_no_camera_is_refused(make, words: str) -> None:
    with pytest.raises(CameraError, match=words):
        make()
