"""Which camera took the images: as camera_info says, nobody knows, or a panorama."""

from __future__ import annotations

from typing import Any, Literal

from dmn_core.cameras.adapter import ImageFitter
from dmn_core.cameras.camera_info import camera_from_info
from dmn_core.cameras.network_camera import NetworkCamera
from dmn_core.cameras.panorama import PanoramaCamera

CameraChoice = Literal["auto", "none", "panorama"]
CAMERA_CHOICES: tuple[CameraChoice, ...] = ("auto", "none", "panorama")
# What says where the camera is on the robot.
CameraPoseSource = Literal["parameter", "tf"]
CAMERA_POSE_SOURCES: tuple[CameraPoseSource, ...] = ("parameter", "tf")


def fitter_for(
    choice: CameraChoice, target: NetworkCamera, info: Any | None, *, rectified: bool = False
) -> ImageFitter | None:
    """What brings images to the network's camera; None where they are only to be resized.

    Args:
        choice: `auto` follows `info`, `panorama` takes images as panoramas of 360 degrees.
        target: the network's camera.
        info: CameraInfo of the images, if there is one.
        rectified: whether the images are rectified already.

    Raises:
        CameraError: the CameraInfo is of no use, or the camera sees nothing that the network knows.
    """
    if choice == "panorama":
        return ImageFitter(target, PanoramaCamera.all_around)
    if choice == "none" or info is None:
        return None
    return ImageFitter(target, camera_from_info(info, rectified=rectified).resized)
