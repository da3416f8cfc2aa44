"""Everything that the localizer publishes about a fix."""

from __future__ import annotations

from dmn.msg import WeightedParticles
from geometry_msgs.msg import PoseArray, PoseWithCovarianceStamped
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage

from dmn_core.session import Fix
from dmn_ros.conversions import (
    to_map_odom_transform,
    to_point_cloud,
    to_pose_array,
    to_pose_with_covariance,
    to_weighted_particles,
)
from dmn_ros.managed_node import ManagedNode
from dmn_ros.parameters import LocalizerParameters
from dmn_ros.qualities import LATCHED, RELIABLE, TRANSFORMS


class LocalizerOutputs:
    """The publishers of a localizer."""

    def __init__(self, node: ManagedNode, parameters: LocalizerParameters) -> None:
        """Create the publishers on a node."""
        self._parameters = parameters
        self._pose = node.make_publisher(PoseWithCovarianceStamped, "pose", LATCHED)
        self._cloud = node.make_publisher(PoseArray, "particle_cloud", RELIABLE)
        self._particles = node.make_publisher(WeightedParticles, "particles", RELIABLE)
        self._points = node.make_publisher(PointCloud2, "particle_points", RELIABLE)
        self._transforms = node.make_publisher(TFMessage, "/tf", TRANSFORMS)

    def publish(self, fix: Fix) -> None:
        """Publish a fix; clouds only where somebody listens.

        The cloud comes before the pose, so that whoever waits for a pose has its cloud.
        """
        frame = self._parameters.global_frame_id
        if self._points.get_subscription_count():
            self._points.publish(to_point_cloud(fix, frame_id=frame))
        if self._particles.get_subscription_count():
            self._particles.publish(to_weighted_particles(fix, frame_id=frame))
        if self._cloud.get_subscription_count():
            most = self._parameters.max_poses
            self._cloud.publish(to_pose_array(fix, frame_id=frame, max_poses=most))
        if self._parameters.tf_broadcast:
            transform = to_map_odom_transform(
                fix,
                map_frame=frame,
                odom_frame=self._parameters.odom_frame_id,
                tolerance_s=self._parameters.transform_tolerance,
            )
            self._transforms.publish(TFMessage(transforms=[transform]))
        self._pose.publish(to_pose_with_covariance(fix, frame_id=frame))
