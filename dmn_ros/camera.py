"""The camera_info of a node's images, and images brought to the network's camera by it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from rclpy.qos import DurabilityPolicy
from sensor_msgs.msg import CameraInfo

from dmn_core.cameras import (
    CameraChoice,
    ImageFitter,
    NetworkCamera,
    UncalibratedError,
    fitter_for,
    is_rectified,
)
from dmn_core.errors import CameraError
from dmn_ros.images import Decoder, camera_info_topic
from dmn_ros.managed_node import ManagedNode
from dmn_ros.qualities import LATCHED, SENSOR

# Images and camera_info travel apart: the first image waits so long for a camera_info that
# somebody publishes.
FIRST_WAIT_S = 1.0
LATCHED_PERIOD_S = 0.25


class CameraListener:
    """Follows the camera_info beside the topic `image`, or `camera_info` where that is remapped.

    The newest one counts. It comes by callbacks; images are decoded in another thread.
    """

    def __init__(self, node: ManagedNode, choice: CameraChoice, target: NetworkCamera) -> None:
        """Subscribe, where the choice is `auto`; `target` is the network's camera."""
        self._node, self._choice, self._target = node, choice, target
        image = node.resolve_topic_name("image")
        self._rectified = is_rectified(image)
        self.topic = camera_info_topic(node)
        self._content: tuple[Any, ...] = ()
        self._arrived = threading.Event()
        self._hears_latched = False
        self._waits_until_s: float | None = None
        self._told: str = ""
        self._fit: ImageFitter | None = None
        self._refused = ""
        if choice == "auto":
            node.make_subscription(CameraInfo, self.topic, self._on_info, SENSOR)
            node.make_timer(LATCHED_PERIOD_S, self._hear_latched)
        else:
            self._fit = fitter_for(choice, target, None)
            self._arrived.set()

    @property
    def is_wanted(self) -> bool:
        """Whether images are of use only with a camera_info, as those of a pinhole are."""
        return self._choice == "auto" and not self._target.is_panorama

    @property
    def has_come(self) -> bool:
        """Whether a camera_info has come; one is enough, as a calibration stays true."""
        return self._arrived.is_set()

    @property
    def is_awaited(self) -> bool:
        """Whether somebody publishes a camera_info and none has come yet."""
        return not self._arrived.is_set() and self._node.count_publishers(self.topic) > 0

    def fitting(self, decode: Decoder) -> Decoder:
        """The decoder, with what it decodes brought to the network's camera.

        It raises CameraError for images that are of another shape than the calibration, and for
        all while the newest camera_info is of no use. The first
        image waits for a camera_info, so that nobody may decode on the thread that receives it
        while `is_awaited`.
        """

        def decode_and_fit(message: Any) -> np.ndarray:
            image = decode(message)
            self._wait_for_the_first()
            if self._refused:
                raise CameraError(self._refused)
            fit = self._fit
            return image if fit is None else fit(image)

        return decode_and_fit

    def _wait_for_the_first(self) -> None:
        if self._arrived.is_set():
            return
        now_s = time.monotonic()
        if self._waits_until_s is None:
            self._waits_until_s = now_s + FIRST_WAIT_S
        if self._node.count_publishers(self.topic):
            self._arrived.wait(max(self._waits_until_s - now_s, 0.0))
        if not self._arrived.is_set() and not self._target.is_panorama:
            self._tell(f"no camera_info came at {self.topic!r}")

    def _hear_latched(self) -> None:
        """Ask for the last camera_info where somebody keeps it, and may never send another.

        A subscription that asks does not hear those who keep none, so that it is a second one.
        """
        if self._hears_latched or self._arrived.is_set():
            return
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if any(p.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in publishers):
            self._hears_latched = True
            self._node.make_subscription(
                CameraInfo, self.topic, self._on_info, LATCHED, second="latched"
            )

    def _on_info(self, message: CameraInfo) -> None:
        roi = message.roi
        region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
        size = (message.width, message.height, message.binning_x, message.binning_y)
        # As bytes: a number that is none is never equal to itself.
        numbers = np.array((*message.k, *message.p, *message.d), dtype=np.float64).tobytes()
        content = (message.distortion_model, *size, *region, numbers)
        if content == self._content:
            return
        self._content = content
        try:
            self._fit = fitter_for("auto", self._target, message, rectified=self._rectified)
            self._refused = ""
        except UncalibratedError as error:
            self._fit, self._refused = None, ""
            self._tell(f"{self.topic!r}: {error}")
        except Exception as error:
            # What another camera saw cannot be told from what this one sees: as in a bag, it ends.
            self._refused = f"{self.topic!r} refused: {error}"
            self._node.get_logger().error(self._refused)
        else:
            self._node.get_logger().info(f"the camera is that of {self.topic!r}")
        self._arrived.set()

    def _tell(self, reason: str) -> None:
        """Say once for each reason what images are taken for."""
        if reason == self._told:
            return
        self._told = reason
        self._node.get_logger().warning(
            f"{reason}; images are taken to show {self._target.horizontal_deg:g} x "
            f"{self._target.vertical_deg:g} degrees, as the network's"
        )
