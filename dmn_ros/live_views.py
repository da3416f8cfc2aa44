"""What comes to a mapper while robots drive: images with poses, and the maps of other robots."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped

from dmn_core.data.ros_decoding import planar_pose, pose_with_covariance, stamp_ns
from dmn_core.live_map import LiveMap
from dmn_core.localization import Localizer
from dmn_core.pose_track import compose
from dmn_core.view_pictures import to_picture_png
from dmn_core.views import ViewRecord
from dmn_ros.camera import CameraListener
from dmn_ros.frames import require_frame
from dmn_ros.images import image_decoder, image_source
from dmn_ros.managed_node import ManagedNode
from dmn_ros.map_message import from_map_message
from dmn_ros.odometry import OdometryGate, PosedImage
from dmn_ros.parameters import MapperParameters
from dmn_ros.qualities import LATCHED, RELIABLE, SENSOR
from dmn_ros.refusals import Refusals

MOST_WAITING = 50


def is_confident(covariance: np.ndarray, *, max_std_m: float, max_std_rad: float) -> bool:
    """Whether a pose with this covariance (3, 3) is known well enough to map with."""
    if not np.isfinite(covariance).all():
        return False
    widest = math.sqrt(max(0.0, float(np.linalg.eigvalsh(covariance[:2, :2])[-1])))
    return widest <= max_std_m and math.sqrt(max(0.0, float(covariance[2, 2]))) <= max_std_rad


class LiveViews:
    """Brings images and poses together by their stamps and offers them to the map."""

    def __init__(
        self,
        node: ManagedNode,
        localizer: Localizer,
        live_map: LiveMap,
        *,
        parameters: MapperParameters,
        on_change: Callable[[], None],
    ) -> None:
        """Subscribe to what the parameters ask for.

        Args:
            node: subscribes.
            localizer: whose network says what images must look like.
            live_map: takes the views.
            parameters: topics and thresholds.
            on_change: called when the map has changed.
        """
        self._node, self._map, self._parameters = node, live_map, parameters
        self._on_change = on_change
        self._refusing = Refusals(node)
        self._source = parameters.robot_name or node.get_namespace().strip("/")
        for topic in parameters.share_in:
            node.make_subscription(ViewMapMessage, topic, self._on_shared, LATCHED)
        if parameters.live_poses == "off":
            return
        # The gate's poses are those of the robot in the map here.
        self._gate = OdometryGate(
            wait_s=math.inf,
            max_gap_s=parameters.max_pose_gap_s,
            most_waiting=MOST_WAITING,
            on_dropped=lambda reason, why: node.get_logger().debug(f"no view: {reason}: {why}"),
        )
        compressed = parameters.image_transport == "compressed"
        camera = CameraListener(node, parameters.camera_choice(), localizer.network.config.camera)
        self._decode = camera.fitting(image_decoder(compressed=compressed))
        self._subscribe()

    def _subscribe(self) -> None:
        node = self._node
        kind, name = image_source(node, self._parameters.image_transport)
        node.make_subscription(kind, name, self._on_image, SENSOR)
        if self._parameters.live_poses == "pose":
            node.make_subscription(PoseStamped, "view_pose", self._on_pose, RELIABLE)
        else:
            topic = "pose"
            node.make_subscription(PoseWithCovarianceStamped, topic, self._on_estimate, RELIABLE)

    def _on_pose(self, message: PoseStamped) -> None:
        with self._refusing("view_pose"):
            self._add_pose(message.header, planar_pose(message.pose))

    def _on_estimate(self, message: PoseWithCovarianceStamped) -> None:
        with self._refusing("pose"):
            pose, covariance = pose_with_covariance(message.pose)
            limits = self._parameters
            if is_confident(
                covariance, max_std_m=limits.max_pose_std_m, max_std_rad=limits.max_pose_std_rad
            ):
                self._add_pose(message.header, pose)

    def _add_pose(self, header: Any, pose_map_base: np.ndarray) -> None:
        require_frame(header.frame_id, self._parameters.global_frame_id, what="a view's pose")
        self._gate.add_odometry(stamp_ns(header.stamp), pose_map_base)
        self._release()

    def _on_image(self, message: Any) -> None:
        self._gate.add_image(stamp_ns(message.header.stamp), message)
        with self._refusing("image"):
            self._release()

    def _release(self) -> None:
        for image in self._gate.ready():
            if self._node.is_active:
                self._offer(image)

    def _offer(self, image: PosedImage) -> None:
        pose_map_camera = compose(image.pose_odom_base, self._parameters.mount())
        if not self._map.wants(pose_map_camera, image.stamp_ns):
            return
        rgb = self._decode(image.message)
        record = ViewRecord(image.stamp_ns, self._source, to_picture_png(rgb))
        if self._map.add(rgb, pose_map_camera, record):
            self._on_change()

    def _on_shared(self, message: ViewMapMessage) -> None:
        with self._refusing("shared map"):
            require_frame(
                message.header.frame_id, self._parameters.global_frame_id, what="a shared map"
            )
            if self._map.merge(from_map_message(message)):
                self._on_change()
