"""What the network is trained to make small."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.geometry import wrap_angle

YAW_WEIGHT = 0.5  # paper section IV-D
# Width of the target around the truth: as fine as a few views allow one to tell poses apart.
TARGET_STD_XY_M = 2.0
TARGET_STD_YAW_RAD = 0.2


def pose_error(estimate: Tensor, truth: Tensor, *, environment_scale_m: float) -> Tensor:
    """Mean over rows of dx^2 + dy^2 + 0.5 dyaw^2 in environment units; poses (B, 3).

    Source: paper section IV-D.
    """
    off = (estimate[..., :2] - truth[..., :2]) / environment_scale_m
    turn = wrap_angle(estimate[..., 2] - truth[..., 2])
    return (off.square().sum(-1) + YAW_WEIGHT * turn.square()).mean()


def soft_target(poses: Tensor, truth: Tensor) -> Tensor:
    """How much of a Gaussian around truth (B, 3) each particle (B, K, 3) gets: (B, K), sum 1."""
    off = poses - truth.unsqueeze(1)
    distance = off[..., :2].square().sum(-1) / TARGET_STD_XY_M**2
    turn = wrap_angle(off[..., 2]).square() / TARGET_STD_YAW_RAD**2
    return torch.softmax(-0.5 * (distance + turn), dim=-1)


def likelihood_cross_entropy(log_likelihood: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of normalised likelihoods (B, K) with targets (B, K), mean over rows [nats]."""
    return -(target * torch.log_softmax(log_likelihood.float(), dim=-1)).sum(-1).mean()
