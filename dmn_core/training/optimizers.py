"""What makes a step of gradients: Adam, or Muon for convolutions beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

OptimizerName = Literal["adam", "muon"]
# An odd polynomial that drives singular values from (0, 1] to between 0.7 and 1.2 in five rounds.
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


class Muon(torch.optim.Adam):
    """Momentum, orthogonalised, for the kernels of convolutions; Adam for all else.

    A kernel of shape (out, in, h, w) is taken as a matrix (out, in * h * w) all of whose directions
    move alike at each step. The step is as large as Adam's would be, so that both take the same
    learning rate. Source: Jordan et al., "Muon: an optimizer for hidden layers", 2024; the size of
    a step after Liu et al., "Muon is scalable for LLM training", 2025.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        """`weight_decay` is Adam's for what Adam moves, and decoupled for kernels."""
        every = list(parameters)
        kernels = [parameter for parameter in every if parameter.ndim == 4]
        others = [parameter for parameter in every if parameter.ndim != 4]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "momentum": momentum},
            {"params": others, "momentum": None},
        ]
        super().__init__([g for g in groups if g["params"]], lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; gradients of kernels are used up by it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["momentum"] is not None:
                for kernel in group["params"]:
                    self._move(kernel, group)
        super().step()  # passes over what has no gradient
        return loss

    def _move(self, kernel: Tensor, group: dict[str, Any]) -> None:
        if kernel.grad is None:
            return
        gradient, kernel.grad = kernel.grad, None
        state = self.state[kernel]
        if not state:
            state["step"] = torch.zeros(())  # Adam asks for it when a state is loaded
            state["velocity"] = torch.zeros_like(gradient)
        state["step"] += 1
        velocity = state["velocity"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(velocity, group["momentum"]).flatten(1)
        # Entries of an orthogonal matrix have the root mean square 1 / sqrt(larger side); Adam's
        # are about 0.2.
        size = 0.2 * max(ahead.shape) ** 0.5
        kernel.mul_(1 - group["lr"] * group["weight_decay"])
        kernel.add_(orthogonal(ahead).view(kernel.shape), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix all of whose singular values are equal, near 1.

    By Newton-Schulz iterations in float32.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).float()
    x = x / x.norm().clamp_min(1e-12)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = torch.addmm(a * x, torch.addmm(b * gram, gram, gram, alpha=c), x)
    return (x.T if tall else x).to(matrix.dtype)


def make_optimizer(
    name: OptimizerName,
    parameters: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """The optimiser of that name; the paper's is Adam (section IV-D)."""
    kind = Muon if name == "muon" else torch.optim.Adam
    return kind(parameters, lr=learning_rate, weight_decay=weight_decay)


def load_progress(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take over moments and counts of steps from a state, but no hyper-parameters.

    These stay as the optimiser was made with, so that another weight decay counts from now on.
    """
    made_with = [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, made_with, strict=True):
        group.update(own)
