"""Moving the belief by odometry, with noise as robots have it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose, wrap_angle
from dmn_core.particle_filter.particles import Belief

MotionModel = Literal["exact", "differential", "omni"]
# Below this a step has no direction of travel, so the first rotation is taken as zero.
MIN_TRANSLATION_M = 0.01


@dataclass(frozen=True)
class OdometryNoise:
    """How far odometry can be trusted; alphas are variance coefficients as in nav2_amcl.

    Attributes:
        model: `exact` adds nothing (the paper's setting); `differential` and `omni` as nav2_amcl.
        alpha1: rotation variance from rotation.
        alpha2: rotation variance from translation [rad^2/m^2].
        alpha3: translation variance from translation.
        alpha4: translation variance from rotation [m^2/rad^2].
        alpha5: strafe variance from translation (`omni` only).
        min_std_xy_m, min_std_yaw_rad: added at every step, so that particles resampled onto one
            pose part again.
    """

    model: MotionModel = "exact"
    alpha1: float = 0.2
    alpha2: float = 0.2
    alpha3: float = 0.2
    alpha4: float = 0.2
    alpha5: float = 0.2
    min_std_xy_m: float = 0.0
    min_std_yaw_rad: float = 0.0

    def __post_init__(self) -> None:
        """Refuse unknown models and negative coefficients."""
        if self.model not in ("exact", "differential", "omni"):
            raise ConfigurationError(f"model wants exact, differential or omni, got {self.model!r}")
        for name, value in vars(self).items():
            if name != "model" and not value >= 0:
                raise ConfigurationError(f"{name} wants a number >= 0, got {value!r}")


def move(
    belief: Belief,
    odometry: Tensor,
    *,
    noise: OdometryNoise,
    generator: torch.Generator,
) -> Belief:
    """Move every particle by odometry (B, 3), the new pose seen from the old one [m, m, rad]."""
    steps = odometry.unsqueeze(1).expand_as(belief.poses_map_base)
    if noise.model == "differential":
        steps = _differential(steps, noise, generator)
    elif noise.model == "omni":
        steps = _omni(steps, noise, generator)
    poses = compose(belief.poses_map_base, steps)
    if noise.min_std_xy_m > 0 or noise.min_std_yaw_rad > 0:
        std = poses.new_tensor([noise.min_std_xy_m, noise.min_std_xy_m, noise.min_std_yaw_rad])
        jittered = poses + _normal(poses, generator) * std
        poses = torch.cat((jittered[..., :2], wrap_angle(jittered[..., 2:])), dim=-1)
    return replace(belief, poses_map_base=poses)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=generator.device).to(like)


def _differential(steps: Tensor, noise: OdometryNoise, generator: torch.Generator) -> Tensor:
    """Turn, drive, turn; each disturbed (nav2_amcl differential model, Thrun et al. table 5.6)."""
    translation = steps[..., :2].norm(dim=-1)
    heading = torch.atan2(steps[..., 1], steps[..., 0])
    turn1 = torch.where(translation < MIN_TRANSLATION_M, torch.zeros_like(heading), heading)
    turn2 = wrap_angle(steps[..., 2] - turn1)
    # Driving backwards is a small turn with negative travel, not a half turn.
    size1, size2 = _backward_symmetric(turn1), _backward_symmetric(turn2)
    variance1 = noise.alpha1 * size1**2 + noise.alpha2 * translation**2
    variance2 = noise.alpha1 * size2**2 + noise.alpha2 * translation**2
    variance_t = noise.alpha3 * translation**2 + noise.alpha4 * (size1**2 + size2**2)
    unit = _normal(steps, generator)
    turn1 = turn1 + unit[..., 0] * variance1.sqrt()
    translation = translation + unit[..., 1] * variance_t.sqrt()
    turn2 = turn2 + unit[..., 2] * variance2.sqrt()
    x, y = translation * torch.cos(turn1), translation * torch.sin(turn1)
    return torch.stack((x, y, wrap_angle(turn1 + turn2)), dim=-1)


def _backward_symmetric(turn: Tensor) -> Tensor:
    size = turn.abs()
    return torch.minimum(size, math.pi - size)


def _omni(steps: Tensor, noise: OdometryNoise, generator: torch.Generator) -> Tensor:
    """Travel, strafe and turn, each disturbed (nav2_amcl omnidirectional model)."""
    translation = steps[..., :2].norm(dim=-1)
    turn = steps[..., 2]
    bearing = torch.atan2(steps[..., 1], steps[..., 0])
    variance_t = noise.alpha3 * translation**2 + noise.alpha4 * turn**2
    variance_s = noise.alpha4 * turn**2 + noise.alpha5 * translation**2
    variance_r = noise.alpha1 * turn**2 + noise.alpha2 * translation**2
    unit = _normal(steps, generator)
    along = translation + unit[..., 0] * variance_t.sqrt()
    across = unit[..., 1] * variance_s.sqrt()
    x = along * torch.cos(bearing) - across * torch.sin(bearing)
    y = along * torch.sin(bearing) + across * torch.cos(bearing)
    return torch.stack((x, y, wrap_angle(turn + unit[..., 2] * variance_r.sqrt())), dim=-1)
