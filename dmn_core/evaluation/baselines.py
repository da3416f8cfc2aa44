"""What the paper compares with that needs no learning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.evaluation.trials import Estimate
from dmn_core.particle_filter import Belief, OdometryNoise, move
from dmn_core.particle_filter.estimate import weighted_mean

BaselineName = Literal["closest_context", "uninformed"]
BASELINE_TITLES: dict[str, str] = {
    "closest_context": "closest context",
    "uninformed": "uninformed",
}


def closest_context(episodes: Episodes) -> Tensor:
    """At every step the viewpoint nearest to the truth: (B, T, 3). It knows the truth.

    Source: paper section V-B.
    """
    distance = torch.cdist(episodes.query_poses[..., :2], episodes.context_poses[..., :2])
    nearest = distance.argmin(dim=-1, keepdim=True).expand(-1, -1, 3)
    return episodes.context_poses.gather(1, nearest)


def uninformed(episodes: Episodes, belief: Belief) -> Tensor:
    """Mean of the initial belief moved by egomotion, no image looked at: (B, T, 3).

    Source: paper section V-B.
    """
    means = []
    unused = torch.Generator(belief.poses_map_base.device)
    for t in range(episodes.query_poses.shape[1]):
        belief = move(belief, episodes.odometry(t), noise=OdometryNoise(), generator=unused)
        means.append(weighted_mean(belief))
    return torch.stack(means, dim=1)


@dataclass(frozen=True)
class BaselineAlgorithm:
    """A baseline that needs no weights.

    Source: paper section V-B.
    """

    name: BaselineName

    @property
    def identity(self) -> str:
        """The name."""
        return self.name

    @property
    def device(self) -> torch.device:
        """Where it works."""
        return torch.device("cpu")

    def encode(self, episodes: Episodes) -> EncodedBaseline:
        """Nothing is to be encoded."""
        return EncodedBaseline(self.name, episodes)


@dataclass(frozen=True)
class EncodedBaseline:
    """A baseline on a batch of trials."""

    name: BaselineName
    episodes: Episodes

    def estimates(self, belief: Belief, kinds: Iterable[Estimate]) -> dict[Estimate, Tensor]:
        """Poses (B, T, 3), the same for every kind: a baseline has one answer."""
        if self.name == "closest_context":
            poses = closest_context(self.episodes)
        else:
            poses = uninformed(self.episodes, belief)
        return dict.fromkeys(kinds, poses)
