"""The processes of a run: one, several on a machine, or several machines."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

from dmn_core.allocator import keep_freed_memory
from dmn_core.errors import ConfigurationError, DmnError
from dmn_core.training.config import TrainingConfig

# The first process renders worlds that the others then read; they wait for it.
LONGEST_WAIT = timedelta(hours=12)


def launch(config: TrainingConfig) -> Fabric:
    """Start or join the processes of a run; each of them returns from here.

    Under `torchrun` its environment says how many there are. Else `devices` on each of
    `num_nodes` machines are started, in the way of Lightning Fabric.

    Raises:
        ConfigurationError: the machine has no such accelerator, or fewer devices.
    """
    devices, num_nodes = config.devices, config.num_nodes
    joins = torch.distributed.is_torchelastic_launched()
    if joins:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        num_nodes = int(os.environ["WORLD_SIZE"]) // devices
    several = devices * num_nodes > 1
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            devices=devices,
            num_nodes=num_nodes,
            precision=config.precision,
            strategy=DDPStrategy(timeout=LONGEST_WAIT) if several else "auto",
        )
    except Exception as error:  # of many kinds, by what is lacking
        raise _unusable(config.accelerator, devices, str(error)) from error
    cores = os.cpu_count() or 1
    # Fabric would start however many; those that `torchrun` has started are there already.
    if fabric.device.type == "cpu" and devices > cores and not joins:
        raise _unusable(config.accelerator, devices, f"there are {cores} cores to compute on")
    fabric.launch()
    if several:
        atexit.register(_part)
    if fabric.device.type == "cpu":
        keep_freed_memory()
    return fabric


def _part() -> None:
    """End what joins the processes while the interpreter stands: its threads may else abort it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _unusable(accelerator: str, devices: int, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"training wants an accelerator and devices that this machine has, got {accelerator!r} and "
        f"{devices!r}: {' '.join(reason.split())}; give another --accelerator, as auto or cpu, or "
        "fewer --devices"
    )


@contextmanager
def failing_together(fabric: Fabric, *, in_turn: bool = False) -> Iterator[None]:
    """Where one process fails, all do with its message.

    Else the others would wait for it, and end with a traceback in which the message drowns.

    Args:
        fabric: of the processes, each of which comes here.
        in_turn: whether the first process of each machine is done before the others begin.

    Raises:
        DmnError: the body raised it, in this process or in another.
    """
    failed: DmnError | None = None
    with fabric.rank_zero_first(local=True) if in_turn else nullcontext():
        # Caught in here: leaving by an error would leave the others at their barrier.
        try:
            yield
        except DmnError as error:
            failed = error
    every = [failed]
    if fabric.world_size > 1:
        every = [None] * fabric.world_size
        torch.distributed.all_gather_object(every, failed)
    if failed := failed or next(filter(None, every), None):
        raise failed


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
