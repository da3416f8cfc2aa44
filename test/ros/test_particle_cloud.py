"""particle_cloud in the type that Nav2's display shows; its messages are stood in for."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Pose, PoseArray

from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.errors import ConfigurationError
from dmn_core.fix import Fix
from dmn_ros import particle_cloud as module
from dmn_ros.particle_cloud import CLOUD, particle_cloud


@dataclasses.dataclass
class Particle:
    """Fields of nav2_msgs/msg/Particle."""

    pose: Pose
    weight: float = 0.0


@dataclasses.dataclass
class ParticleCloud:
    """Fields of nav2_msgs/msg/ParticleCloud."""

    header: Any
    particles: list[Particle]


def fix(weights: list[float]) -> Fix:
    count = len(weights)
    return Fix(
        stamp_ns=7_000_000_001,
        pose_map_base=np.zeros(3),
        covariance=np.eye(3),
        pose_odom_base=np.zeros(3),
        particles_map_base=np.arange(3.0 * count).reshape(count, 3) / (3 * count),
        weights=np.array(weights),
        latency_s=0.0,
    )


@pytest.fixture
def nav2(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {CLOUD: ParticleCloud, module.PARTICLE: Particle}
    monkeypatch.setattr(module, "message_class", kinds.get)


@pytest.mark.parametrize("stated", ["nav2", "auto"])
def test_all_particles_with_weights_over_the_largest(nav2: None, stated: str) -> None:
    kind, to_cloud = particle_cloud(stated)
    assert kind is ParticleCloud
    belief = fix([0.1, 0.4, 0.3, 0.2])
    cloud = to_cloud(belief, "map", 10)
    assert (cloud.header.frame_id, stamp_ns(cloud.header.stamp)) == ("map", belief.stamp_ns)
    poses = [planar_pose(particle.pose) for particle in cloud.particles]
    np.testing.assert_allclose(poses, belief.particles_map_base, atol=1e-12)
    np.testing.assert_allclose([p.weight for p in cloud.particles], [0.25, 1.0, 0.75, 0.5])


def test_of_many_particles_each_comes_once(nav2: None) -> None:
    weights = np.full(100, 1e-6)
    weights[[3, 60]] = 0.75, 0.25
    _, to_cloud = particle_cloud("nav2")
    cloud = to_cloud(fix((weights / weights.sum()).tolist()), "map", 20)
    np.testing.assert_allclose([p.weight for p in cloud.particles], [1.0, 1 / 3], rtol=1e-6)


def test_a_pose_array_where_it_is_wanted_or_nav2_is_not_there(nav2: None) -> None:
    kind, to_cloud = particle_cloud("pose_array")
    assert kind is PoseArray
    assert len(to_cloud(fix([0.5, 0.5]), "map", 1).poses) == 1


@pytest.mark.skipif(importlib.util.find_spec("nav2_msgs") is not None, reason="it is installed")
def test_what_is_not_installed_is_said() -> None:
    assert particle_cloud("auto")[0] is PoseArray
    with pytest.raises(ConfigurationError, match="nav2_msgs, which is not installed"):
        particle_cloud("nav2")
