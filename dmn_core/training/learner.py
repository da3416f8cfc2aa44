"""Network and objective as one module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dmn_core.data.episode import Episodes
from dmn_core.training.encoding import AnyNetwork
from dmn_core.training.objectives import ObjectiveConfig, episode_loss


class Learner(nn.Module):
    """Episodes in, losses out."""

    def __init__(self, network: AnyNetwork, objective: ObjectiveConfig) -> None:
        """`network` is trained in place."""
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(
        self, episodes: dict[str, Any], generator: torch.Generator, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """See `episode_loss`.

        Args:
            episodes: fields of `Episodes`; Fabric looks into dictionaries, not into records.
            generator: of particles.
            progress: share of the run that is done.
        """
        config = self.objective.at(progress)
        return episode_loss(self.network, Episodes(**episodes), config=config, generator=generator)


def mean_losses(losses: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean of each part over micro-batches."""
    return {
        name: round(float(torch.stack([parts[name] for parts in losses]).mean()), 5)
        for name in losses[0]
    }


def packed(losses: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Scalar losses of many steps as one tensor (steps,) of each part, on the CPU."""
    return {k: torch.stack([step[k] for step in losses]).cpu() for k in (losses or [{}])[0]}


def unpacked(tensors: dict[str, Tensor], device: torch.device) -> list[dict[str, Tensor]]:
    """The losses that `packed` made these tensors of."""
    rows = zip(*(values.to(device) for values in tensors.values()), strict=True)
    return [dict(zip(tensors, row, strict=True)) for row in rows]
