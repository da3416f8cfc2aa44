"""Where images and poses of a recording are."""

from __future__ import annotations

from dataclasses import dataclass

from dmn_core.cameras.choice import CameraChoice, CameraPoseSource


@dataclass(frozen=True)
class ViewTopics:
    """What makes views of a recording.

    Attributes:
        image_topic: empty for the only one there is.
        pose_topic: empty for the only one there is, or tf.
        map_frame, base_frame: frames of tf, and of poses.
        pose_base_camera: planar pose of the camera on the robot [m, m, rad].
        camera_pose_source: `tf` takes that from tf_static instead, as base_frame to the frame of
            the images.
        camera: `auto` brings images to the network's field of view where a camera_info beside them
            tells theirs, `none` only resizes them, `panorama` takes them as panoramas.
    """

    image_topic: str = ""
    pose_topic: str = ""
    map_frame: str = "map"
    base_frame: str = "base_link"
    pose_base_camera: tuple[float, float, float] = (0.0, 0.0, 0.0)
    camera: CameraChoice = "auto"
    camera_pose_source: CameraPoseSource = "parameter"
