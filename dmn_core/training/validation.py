"""Validation: the same episodes of unseen places every time, shared out among processes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from lightning.fabric import Fabric
from matplotlib.figure import Figure
from torch import nn

from dmn_core.data.episode import EnvironmentSet
from dmn_core.training.config import TrainingConfig
from dmn_core.training.encoding import AnyNetwork
from dmn_core.training.feed import draw, placed
from dmn_core.training.learner import mean_losses
from dmn_core.training.pictures import belief_picture

VALIDATION_SEED = 12345


class Validation:
    """Places that training never sees."""

    def __init__(
        self, environments: EnvironmentSet, config: TrainingConfig, fabric: Fabric
    ) -> None:
        """`fabric` says which share is this process's."""
        self._environments = placed(environments, fabric.device)
        self._config = replace(config, contexts_max=0)
        self._fabric = fabric
        self._count = math.ceil(config.validation_samples / (config.batch * config.queries))

    def losses(self, learner: nn.Module) -> dict[str, float]:
        """Mean losses of a `Learner` in evaluation mode."""
        fabric, own = self._fabric, []
        with torch.no_grad(), fabric.autocast():
            for number in range(fabric.global_rank, self._count, fabric.world_size):
                key = (VALIDATION_SEED, number)
                drawn = draw(self._environments, self._config, key, fabric.device)
                own.append(learner(vars(drawn.episodes), drawn.generator))
        if fabric.world_size == 1:
            return mean_losses(own)
        gathered: list[Any] = [None] * fabric.world_size
        torch.distributed.all_gather_object(
            gathered, [{name: value.cpu() for name, value in parts.items()} for parts in own]
        )
        return mean_losses([parts for process in gathered for parts in process])

    def picture(self, network: AnyNetwork) -> Figure:
        """What a network believes along one episode."""
        one = replace(self._config, batch=1)
        drawn = draw(self._environments, one, (VALIDATION_SEED,), self._fabric.device)
        with torch.no_grad(), self._fabric.autocast():
            return belief_picture(network, drawn.episodes, drawn.generator)
