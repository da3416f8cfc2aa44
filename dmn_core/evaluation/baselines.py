"""What the paper compares with that needs no learning."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.particle_filter import Belief, OdometryNoise, move
from dmn_core.particle_filter.estimate import weighted_mean


def closest_context(episodes: Episodes) -> Tensor:
    """At every step the viewpoint nearest to the truth: (B, T, 3). It knows the truth.

    Source: paper section V-B.
    """
    distance = torch.cdist(episodes.query_poses[..., :2], episodes.context_poses[..., :2])
    nearest = distance.argmin(dim=-1, keepdim=True).expand(-1, -1, 3)
    return episodes.context_poses.gather(1, nearest)


def uninformed(episodes: Episodes, belief: Belief, generator: torch.Generator) -> Tensor:
    """Mean of the initial belief moved by egomotion, no image looked at: (B, T, 3).

    Source: paper section V-B.
    """
    means = []
    for t in range(episodes.query_poses.shape[1]):
        belief = move(belief, episodes.odometry(t), noise=OdometryNoise(), generator=generator)
        means.append(weighted_mean(belief))
    return torch.stack(means, dim=1)
