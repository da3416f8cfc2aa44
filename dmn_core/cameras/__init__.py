"""Cameras of robots, and how their images become those of the camera that a network knows."""

from __future__ import annotations

from dmn_core.cameras.adapter import ImageAdapter, ImageFitter
from dmn_core.cameras.camera_info import (
    UncalibratedError,
    camera_from_info,
    info_topic,
    is_rectified,
)
from dmn_core.cameras.choice import CAMERA_CHOICES, CameraChoice, fitter_for
from dmn_core.cameras.distortion import Distortion
from dmn_core.cameras.network_camera import NetworkCamera
from dmn_core.cameras.panorama import PanoramaCamera
from dmn_core.cameras.pinhole import PinholeCamera

__all__ = [
    "CAMERA_CHOICES",
    "CameraChoice",
    "Distortion",
    "ImageAdapter",
    "ImageFitter",
    "NetworkCamera",
    "PanoramaCamera",
    "PinholeCamera",
    "UncalibratedError",
    "camera_from_info",
    "fitter_for",
    "info_topic",
    "is_rectified",
]
