"""The topic particle_cloud: PoseArray, or what RViz shows of nav2_amcl, where Nav2 is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray

from dmn_core.data.belief_layout import even_by_weight
from dmn_core.errors import ConfigurationError
from dmn_core.fix import Fix
from dmn_ros.conversions import to_pose, to_pose_array
from dmn_ros.frames import header
from dmn_ros.message_types import message_class

CLOUD, PARTICLE = "nav2_msgs/msg/ParticleCloud", "nav2_msgs/msg/Particle"
# A function of a fix, the name of the map's frame and the most poses.
ToCloud = Callable[[Fix, str, int], Any]


def particle_cloud(stated: str) -> tuple[type[Any], ToCloud]:
    """The type of the topic, and how a fix becomes one.

    Args:
        stated: `pose_array`, `nav2`, or `auto`: nav2 where nav2_msgs is installed.

    Raises:
        ConfigurationError: nav2 is asked for, and not installed.
    """
    cloud, particle = message_class(CLOUD), message_class(PARTICLE)
    if stated == "pose_array" or (stated == "auto" and cloud is None):
        return PoseArray, lambda fix, frame, most: to_pose_array(
            fix, frame_id=frame, max_poses=most
        )
    if cloud is None or particle is None:
        raise ConfigurationError(
            "particle_cloud_type nav2 wants the package nav2_msgs, which is not installed: install "
            "it, or set auto or pose_array"
        )
    return cloud, lambda fix, frame, most: to_nav2_cloud(
        fix, cloud, particle, frame_id=frame, max_poses=most
    )


def to_nav2_cloud(
    fix: Fix, cloud: type[Any], particle: type[Any], *, frame_id: str, max_poses: int
) -> Any:
    """A ParticleCloud of at most `max_poses` particles, each once, drawn evenly by weight.

    Weights are over the largest one: RViz draws them as lengths up to 1.
    """
    chosen = np.arange(len(fix.weights))
    if len(chosen) > max_poses:
        chosen = np.unique(even_by_weight(fix.weights, most=max_poses))
    poses, weights = fix.particles_map_base[chosen], fix.weights[chosen] / fix.weights.max()
    particles = [
        particle(pose=to_pose(pose), weight=float(weight))
        for pose, weight in zip(poses, weights, strict=True)
    ]
    return cloud(header=header(fix.stamp_ns, frame_id), particles=particles)
