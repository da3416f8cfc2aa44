"""The processes of a run: one, several on a machine, or several machines."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

from dmn_core.allocator import keep_freed_memory
from dmn_core.errors import ConfigurationError
from dmn_core.training.config import TrainingConfig

# The first process renders worlds that the others then read; they wait for it.
LONGEST_WAIT = timedelta(hours=12)


def launch(config: TrainingConfig) -> Fabric:
    """Start or join the processes of a run; each of them returns from here.

    Under `torchrun` its environment says how many there are. Else `devices` on each of
    `num_nodes` machines are started, in the way of Lightning Fabric.
    """
    devices, num_nodes = config.devices, config.num_nodes
    if torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        num_nodes = int(os.environ["WORLD_SIZE"]) // devices
    several = devices * num_nodes > 1
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=devices,
        num_nodes=num_nodes,
        precision=config.precision,
        strategy=DDPStrategy(timeout=LONGEST_WAIT) if several else "auto",
    )
    fabric.launch()
    if fabric.device.type == "cpu":
        keep_freed_memory()
    return fabric


def share_of(fabric: Fabric, count: int) -> range:
    """Which of `count` micro-batches of a step this process does.

    Raises:
        ConfigurationError: processes would get different numbers of them.
    """
    if count % fabric.world_size:
        raise ConfigurationError(
            f"micro_batches wants a multiple of the {fabric.world_size} processes, got {count!r}: "
            "take so many processes that they can be shared out, or say --micro-batches"
        )
    return range(fabric.global_rank, count, fabric.world_size)
