"""Cameras from CameraInfo messages, and where these lie beside images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dmn_core.cameras import NetworkCamera, camera_from_info, fitter_for, info_topic, is_rectified
from dmn_core.errors import CameraError


def info(**changes: Any) -> SimpleNamespace:
    """A calibrated camera of 640 x 480, read in full."""
    values: dict[str, Any] = {
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "d": [-0.2, 0.05, 0.0, 0.0, 0.0],
        "k": [500.0, 0, 320.0, 0, 510.0, 240.0, 0, 0, 1],
        "p": [450.0, 0, 310.0, 0, 0, 455.0, 238.0, 0, 0, 0, 1, 0],
        "binning_x": 0,
        "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    }
    return SimpleNamespace(**{**values, **changes})


def test_numbers_of_the_message() -> None:
    camera = camera_from_info(info())
    assert (camera.width, camera.height) == (640, 480)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500.0, 510.0, 320.0, 240.0)
    assert camera.distortion.coefficients == (-0.2, 0.05, 0.0, 0.0, 0.0)


def test_ros_1_writes_capitals() -> None:
    ours = vars(info())
    capitals = {name.upper() if name in "dkp" else name: ours[name] for name in ours}
    assert camera_from_info(SimpleNamespace(**capitals)) == camera_from_info(info())


def test_rectified_images_have_the_projection_and_no_distortion() -> None:
    camera = camera_from_info(info(), rectified=True)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (450.0, 455.0, 310.0, 238.0)
    assert camera.distortion.model == "none"


def test_binning_and_a_region_look_where_they_did() -> None:
    """A direction falls on the pixel that holds the pixel of the whole sensor."""
    region = SimpleNamespace(x_offset=100, y_offset=60, width=400, height=320)
    part = camera_from_info(info(roi=region, binning_x=2, binning_y=4))
    assert (part.width, part.height) == (200, 80)
    rays = np.array([[0.1, 0.2, 1.0], [-0.3, 0.0, 1.0]])
    whole = camera_from_info(info()).project(rays)[0]
    np.testing.assert_allclose(part.project(rays)[0] + 0.5, (whole + 0.5 - (100, 60)) / (2, 4))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"k": [0.0] * 9}, "calibrate the camera"),
        ({"k": np.zeros(9)}, "got zeros"),
        ({"width": 0}, "width and height"),
        ({"distortion_model": "mirror", "d": [0.1]}, "distortion_model wants one of"),
    ],
)
def test_what_is_no_calibration_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CameraError, match=words):
        camera_from_info(info(**changes))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("/camera/image_raw", "/camera/camera_info"),
        ("/camera/image_raw/compressed", "/camera/camera_info"),
        ("/robot/left/image_rect_color/compressed", "/robot/left/camera_info"),
        ("/front", "/camera_info"),
        ("image", "camera_info"),
        ("compressed", "camera_info"),
    ],
)
def test_camera_info_lies_beside_the_images(image: str, expected: str) -> None:
    assert info_topic(image) == expected


def test_names_of_rectified_images() -> None:
    rectified = ("/camera/image_rect", "/camera/image_rect_color/compressed", "image_rect")
    raw = ("/camera/image_raw", "/rect/image_raw", "/camera/image_correct")
    assert [is_rectified(name) for name in (*rectified, *raw)] == [True] * 3 + [False] * 3


def test_only_a_known_camera_changes_images() -> None:
    target = NetworkCamera(32, 32)
    assert fitter_for("none", target, info()) is None
    assert fitter_for("auto", target, None) is None
    image = np.zeros((480, 640, 3), np.uint8)
    for choice in ("auto", "panorama"):
        fit = fitter_for(choice, target, info())  # type: ignore[arg-type]
        assert fit is not None
        assert fit(image).shape == (32, 32, 3)
        assert fit(image[::2, ::2]).shape == (32, 32, 3)
