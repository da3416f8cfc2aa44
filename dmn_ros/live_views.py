"""What comes to a mapper while robots drive: images with poses, and the maps of other robots."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from dmn.msg import LocalizerStatus
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from tf2_msgs.msg import TFMessage

from dmn_core.config import part_of
from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.data.ros_transforms import Transforms, camera_on_robot
from dmn_core.live_map import LiveMap
from dmn_core.localization import Localizer
from dmn_core.pose_track import compose
from dmn_core.trust import Distrust, TrustLimits
from dmn_core.view_pictures import to_picture_png
from dmn_core.views import ViewRecord
from dmn_ros.camera import CameraListener
from dmn_ros.frames import require_frame
from dmn_ros.image_shelf import ImageShelf
from dmn_ros.images import image_decoder, image_source
from dmn_ros.managed_node import ManagedNode
from dmn_ros.map_message import from_map_message
from dmn_ros.odometry import OdometryGate
from dmn_ros.parameters import MapperParameters
from dmn_ros.qualities import FAST_SENSOR, LATCHED, MANY_LATCHED, RELIABLE, SENSOR
from dmn_ros.refusals import Refusals
from dmn_ros.stamp_pairs import StampPairs
from dmn_ros.trusted_poses import TrustedPoses
from dmn_ros.worker import Job

MOST_WAITING = 50
# Ten raw images of a large camera, for their poses and again for the network. Poses are waited for
# on both sides of a stamp, a second at most.
MOST_WAITING_BYTES = 64 * 2**20
MOST_WAIT_S = 10.0


class LiveViews:
    """Brings images and poses together by their stamps and offers them to the map.

    Callbacks only take messages in. What asks the map, decodes or encodes are jobs, in the order in
    which images got their poses and maps came.
    """

    def __init__(
        self,
        node: ManagedNode,
        localizer: Localizer,
        live_map: LiveMap,
        *,
        parameters: MapperParameters,
        put: Callable[[Job], None],
        on_change: Callable[[], None],
    ) -> None:
        """Subscribe to what the parameters ask for.

        Args:
            node: subscribes.
            localizer: whose network says what images must look like.
            live_map: takes the views; jobs alone touch it.
            parameters: topics and thresholds.
            put: takes jobs; they run one after another.
            on_change: called by a job when the map has changed.
        """
        self._node, self._map, self._parameters = node, live_map, parameters
        self._put, self._on_change = put, on_change
        self._refusing = Refusals(node)
        self._source = parameters.robot_name or node.get_namespace().strip("/")
        self._encoding = ImageShelf(
            most_bytes=MOST_WAITING_BYTES,
            most_s=math.inf,
            waits="wait for the network, which is busy or slower than they come",
            on_dropped=lambda why: self._refusing.note("overload", f"no view: {why}"),
        )
        # By topic, the newest map that waits.
        self._shared: dict[str, ViewMapMessage] = {}
        for topic in parameters.share_in:
            node.make_subscription(ViewMapMessage, topic, partial(self._on_shared, topic), LATCHED)
        if parameters.live_poses == "off":
            return
        self._shelf = ImageShelf(
            most_bytes=MOST_WAITING_BYTES,
            most_s=MOST_WAIT_S,
            waits="wait for their poses",
            on_dropped=lambda why: self._refusing.note("no pose", f"no view: {why}"),
        )
        compressed = parameters.image_transport == "compressed"
        camera = parameters.camera_choice()
        self._camera = CameraListener(node, camera, localizer.network.config.camera)
        self._decode = self._camera.fitting(image_decoder(compressed=compressed))
        # None where a parameter says where the camera is.
        self._transforms = Transforms() if parameters.camera_pose_source == "tf" else None
        self._subscribe()

    def drop_images(self) -> None:
        """Forget the images that wait for the network, as the mapper stops to take them."""
        for _ in range(self._encoding.clear()):
            self._refusing.note("inactive", "no view: the mapper stopped while an image waited")

    def _subscribe(self) -> None:
        """Take in images, and poses in one of two ways.

        Poses that somebody measures are interpolated: a camera need not keep time with them. Those
        of a localizer belong to images, and between two that can be trusted there may be one that
        cannot: an image is taken with the pose of its own stamp alone.
        """
        node, limits = self._node, self._parameters
        kind, name = image_source(node, limits.image_transport)
        node.make_subscription(kind, name, self._on_image, SENSOR)
        if self._transforms is not None:
            node.make_subscription(TFMessage, "tf_static", self._transforms.add, MANY_LATCHED)
        node.make_timer(1.0, self._shelf.tick)
        if limits.live_poses == "pose":
            # The gate's poses are those of the robot in the map here.
            self._gate = OdometryGate(
                wait_s=math.inf,
                max_gap_s=limits.max_pose_gap_s,
                most_waiting=MOST_WAITING,
                on_dropped=self._on_unposed,
                on_stray=lambda why: self._refusing.note("stray", f"a pose was left out: {why}"),
            )
            node.make_subscription(PoseStamped, "view_pose", self._on_pose, FAST_SENSOR)
            return
        self._judged = StampPairs[int, np.ndarray | Distrust](self._settle)
        self._trusted = TrustedPoses(part_of(TrustLimits, limits), self._on_judged)
        node.make_subscription(PoseWithCovarianceStamped, "pose", self._on_estimate, RELIABLE)
        node.make_subscription(LocalizerStatus, "status", self._on_status, RELIABLE)

    def _on_pose(self, message: PoseStamped) -> None:
        with self._refusing("view_pose"):
            self._require_map_frame(message.header)
            self._gate.add_odometry(stamp_ns(message.header.stamp), planar_pose(message.pose))
            self._release()

    def _on_estimate(self, message: PoseWithCovarianceStamped) -> None:
        with self._refusing("pose"):
            self._require_map_frame(message.header)
            self._trusted.add_pose(message)

    def _on_status(self, message: LocalizerStatus) -> None:
        with self._refusing("status"):
            self._trusted.add_status(message)

    def _require_map_frame(self, header: Any) -> None:
        require_frame(header.frame_id, self._parameters.global_frame_id, what="a view's pose")

    def _on_judged(self, stamp: int, judged: np.ndarray | Distrust) -> None:
        self._judged.add_second(stamp, judged)

    def _on_image(self, message: Any) -> None:
        if self._camera.is_awaited:
            # One that waited for it would hold up all others.
            self._refusing.note("camera_info", "no view: an image came before its camera_info")
            return
        stamp, ticket = stamp_ns(message.header.stamp), self._shelf.put(message)
        if self._parameters.live_poses == "pose":
            self._gate.add_image(stamp, ticket)
            self._release()
        else:
            self._judged.add_first(stamp, ticket)

    def _release(self) -> None:
        for image in self._gate.ready():
            self._settle(image.stamp_ns, image.message, image.pose_odom_base)

    def _on_unposed(self, reason: str, why: str, ticket: int) -> None:
        self._shelf.take(ticket)
        self._refusing.note(reason, f"no view: {why}")

    def _settle(self, stamp: int, ticket: int, judged: np.ndarray | Distrust) -> None:
        """It is known where the robot was at an image, or that nobody knows."""
        message = self._shelf.take(ticket)
        if message is None or not self._node.is_active:
            return
        if isinstance(judged, Distrust):
            self._refusing.note(judged.cause, f"no view: {judged.why}")
            return
        with self._refusing("image"):
            # Transforms belong to the callbacks.
            pose_map_camera = compose(judged, self._mount(message))
            self._put(partial(self._offer, self._encoding.put(message), stamp, pose_map_camera))

    def _offer(self, ticket: int, stamp: int, pose_map_camera: np.ndarray) -> None:
        """Job: make a view of an image, if the map wants it and the image waits still."""
        with self._refusing("image"):
            message = self._encoding.take(ticket)
            if message is None or not self._map.wants(pose_map_camera, stamp):
                return
            rgb = self._decode(message)
            record = ViewRecord(stamp, self._source, to_picture_png(rgb))
            if self._map.add(rgb, pose_map_camera, record):
                self._on_change()

    def _mount(self, message: Any) -> tuple[float, float, float]:
        """Where the camera of an image is on the robot [m, m, rad].

        Raises:
            DecodingError: tf_static does not say so, or it is tilted.
        """
        if self._transforms is None:
            return self._parameters.mount()
        base, frame = self._parameters.base_frame_id, message.header.frame_id
        return camera_on_robot(self._transforms, base=base, frame=frame.lstrip("/"))

    def _on_shared(self, topic: str, message: ViewMapMessage) -> None:
        # As in the topic's own queue of one, a map that waits gives way to a newer one. The job
        # comes after the map, so that one of the jobs finds it.
        self._shared[topic] = message
        self._put(partial(self._merge, topic))

    def _merge(self, topic: str) -> None:
        """Job: take over the views of the map that waits, unless a job before has done so."""
        message = self._shared.pop(topic, None)
        if message is None:
            return
        with self._refusing("shared map"):
            require_frame(
                message.header.frame_id, self._parameters.global_frame_id, what="a shared map"
            )
            if self._map.merge(from_map_message(message)):
                self._on_change()
