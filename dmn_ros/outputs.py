"""Everything that the localizer publishes about a fix."""

from __future__ import annotations

from dmn.msg import LocalizerStatus, WeightedParticles
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import PointCloud2

from dmn_core.session import Fix
from dmn_ros.conversions import (
    to_point_cloud,
    to_pose_with_covariance,
    to_weighted_particles,
)
from dmn_ros.diagnostics import Snapshot
from dmn_ros.managed_node import ManagedNode
from dmn_ros.map_to_odom import MapToOdom
from dmn_ros.particle_cloud import particle_cloud
from dmn_ros.qualities import LATCHED, RELIABLE
from dmn_ros.standing import Standing
from dmn_ros.status_message import to_status_message


class LocalizerOutputs:
    """The publishers of a localizer."""

    def __init__(self, node: ManagedNode) -> None:
        """Create the publishers on a localizer."""
        self._node = node
        self.map_to_odom = MapToOdom(node)
        self._pose = node.make_publisher(PoseWithCovarianceStamped, "pose", LATCHED)
        kind, self._to_cloud = particle_cloud(node.parameters.particle_cloud_type)
        self._cloud = node.make_publisher(kind, "particle_cloud", RELIABLE)
        self._particles = node.make_publisher(WeightedParticles, "particles", RELIABLE)
        self._points = node.make_publisher(PointCloud2, "particle_points", RELIABLE)
        self._status = node.make_publisher(LocalizerStatus, "status", RELIABLE)

    def publish(self, fix: Fix, standing: Standing, counts: Snapshot) -> None:
        """Publish a fix; clouds only where somebody listens.

        The cloud comes before the pose, so that whoever waits for a pose has its cloud.
        """
        frame = self._node.parameters.global_frame_id
        if self._points.get_subscription_count():
            self._points.publish(to_point_cloud(fix, frame_id=frame))
        if self._particles.get_subscription_count():
            self._particles.publish(to_weighted_particles(fix, frame_id=frame))
        if self._cloud.get_subscription_count():
            self._cloud.publish(self._to_cloud(fix, frame, self._node.parameters.max_poses))
        self.map_to_odom.send(fix)
        self.tell(standing, counts)
        of_mode = self._node.parameters.covariance_source == "mode"
        self._pose.publish(to_pose_with_covariance(fix, frame_id=frame, of_mode=of_mode))

    def tell(self, standing: Standing, counts: Snapshot) -> None:
        """Publish the status alone."""
        frame = self._node.parameters.global_frame_id
        self._status.publish(to_status_message(standing, counts, frame_id=frame))
