"""When a run has diverged: its loss or its gradient is not a finite number."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from dmn_core.errors import DmnError
from dmn_core.training.config import TrainingConfig
from dmn_core.training.run_folder import RunFolder


class DivergedError(DmnError):
    """A run has come to numbers that are not finite, and so to its end.

    Attributes:
        outcome: what is recorded of the run; `diverged` is set in it.
    """

    def __init__(self, folder: RunFolder, outcome: dict[str, Any]) -> None:
        """`outcome` is what `Trainer.run` returns of a run that ends well."""
        where = str(folder.path)
        advice = f"give a smaller --learning-rate; nothing was kept in {where!r} yet"
        if folder.state.is_file():
            advice = (
                f"what was kept before is still in {where!r}. With a smaller --learning-rate the "
                "same command goes on from there; with another --out too, it starts anew"
            )
        super().__init__(
            f"training diverged after {outcome['steps']} steps: a loss or gradient is not "
            f"finite; {advice}"
        )
        self.outcome = {**outcome, "complete": True, "diverged": True}


def clip_gradients(
    fabric: Fabric,
    learner: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    loss: Tensor,
    config: TrainingConfig,
) -> bool:
    """Bound the norm of the gradients as configured; returns whether they and the loss are finite.

    Every process is told the same, so that all of them end a run together.

    Args:
        fabric: of the run.
        learner: whose gradients are bounded, averaged over processes before.
        optimizer: of the learner.
        loss: scalar, of this process.
        config: says the largest norm.
    """
    norm = fabric.clip_gradients(
        learner, optimizer, max_norm=config.gradient_clip or math.inf, error_if_nonfinite=False
    )
    of_all = cast(Tensor, fabric.all_reduce(loss.detach().clone()))  # in place
    # In 16 bits the scale of losses is found by overflowing; such steps are left out.
    if norm is None or config.precision == "16-mixed":
        return bool(torch.isfinite(of_all))
    return bool(torch.isfinite(of_all + norm))
