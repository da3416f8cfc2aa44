"""Planar poses as tensors (..., 3): x [m], y [m], yaw [rad], counter-clockwise, x forward.

`pose_a_b` is the pose of b in frame a; frames chain as compose(pose_a_b, pose_b_c) = pose_a_c.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def wrap_angle(angle_rad: Tensor) -> Tensor:
    """Angles brought to [-pi, pi)."""
    return torch.remainder(angle_rad + math.pi, 2 * math.pi) - math.pi


def rotate(vector: Tensor, angle_rad: Tensor) -> Tensor:
    """Vectors (..., 2) turned counter-clockwise by angles (...)."""
    cos, sin = torch.cos(angle_rad), torch.sin(angle_rad)
    x, y = vector[..., 0], vector[..., 1]
    return torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-1)


def compose(pose_a_b: Tensor, pose_b_c: Tensor) -> Tensor:
    """Pose of c in a, shapes (..., 3) broadcast."""
    xy = pose_a_b[..., :2] + rotate(pose_b_c[..., :2], pose_a_b[..., 2])
    yaw = wrap_angle(pose_a_b[..., 2] + pose_b_c[..., 2])
    return torch.cat((xy, yaw.unsqueeze(-1)), dim=-1)


def inverse(pose_a_b: Tensor) -> Tensor:
    """Pose of a in b, shape (..., 3)."""
    xy = rotate(-pose_a_b[..., :2], -pose_a_b[..., 2])
    return torch.cat((xy, wrap_angle(-pose_a_b[..., 2:])), dim=-1)


def relative(pose_w_a: Tensor, pose_w_b: Tensor) -> Tensor:
    """Pose of b in a, from both poses in one frame w; shapes (..., 3) broadcast."""
    xy = rotate(pose_w_b[..., :2] - pose_w_a[..., :2], -pose_w_a[..., 2])
    yaw = wrap_angle(pose_w_b[..., 2] - pose_w_a[..., 2])
    return torch.cat((xy, yaw.unsqueeze(-1)), dim=-1)


def pose_features(pose: Tensor, *, environment_scale_m: float) -> Tensor:
    """What the network sees of a pose: (..., 4) = x, y in environment units, sin yaw, cos yaw.

    Source: paper section IV-B, viewpoints as (x, y, sin, cos).
    """
    yaw = pose[..., 2:]
    return torch.cat((pose[..., :2] / environment_scale_m, torch.sin(yaw), torch.cos(yaw)), dim=-1)


def circular_mean(angle_rad: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean direction over the last dimension; (..., K), (..., K) -> (...)."""
    sin = (weights * torch.sin(angle_rad)).sum(-1)
    cos = (weights * torch.cos(angle_rad)).sum(-1)
    return torch.atan2(sin, cos)
