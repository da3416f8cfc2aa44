"""The paper's layer notation, filters-kernel-stride-activation, turned into modules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

# CNN1..CNN6 of paper appendix A; docs/paper_to_code.md lists the choices behind unclear print.
CONTEXT_ENCODER = ("32-2-2-relu", "32-3-1-relu", "64-2-2-relu", "64-3-1-relu")
VIEW_KEY = ("64-3-1-relu", "32-3-1-lin")
QUERY_STEM = ("32-2-2-relu", "32-3-1-relu", "64-2-2-relu")
QUERY_KEY = ("32-3-1-relu", "64-3-1-relu", "32-3-1-lin")
VIEW_VALUE = ("128-3-1-relu", "64-3-1-relu")
QUERY_FEATURES = ("64-3-1-relu", "128-3-1-relu", "64-3-1-relu")
COMPARISON = ("64-3-1-relu", "64-3-1-relu", "64-3-1-relu")


Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network) -> Network:
    """Store convolution weights channels last, in place: a third faster on CPUs, same numbers."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@dataclass(frozen=True)
class LayerSpec:
    """One convolution: filters, kernel and stride [pixels], and whether a relu follows."""

    filters: int
    kernel: int
    stride: int
    relu: bool


def parse_layer(notation: str) -> LayerSpec:
    """Read `filters-kernel-stride-activation`; activation is `relu` or `lin`.

    Raises:
        ValueError: the text is not of that form.
    """
    parts = notation.split("-")
    if len(parts) != 4 or parts[3] not in ("relu", "lin"):
        raise ValueError(f"a layer wants filters-kernel-stride-(relu|lin), got {notation!r}")
    return LayerSpec(int(parts[0]), int(parts[1]), int(parts[2]), parts[3] == "relu")


def convolution(channels_in: int, spec: LayerSpec) -> nn.Conv2d:
    """A zero-padded convolution: stride 1 keeps the size, stride 2 halves it.

    Weights are drawn after He et al. 2015 so that signals keep their size through relu layers.
    """
    padding = (spec.kernel - 1) // 2 if spec.stride == 1 else 0
    layer = nn.Conv2d(channels_in, spec.filters, spec.kernel, spec.stride, padding)
    fan_in = channels_in * spec.kernel**2
    gain = 2.0 if spec.relu else 1.0
    nn.init.normal_(layer.weight, std=math.sqrt(gain / fan_in))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class ConvStack(nn.Module):
    """A row of the paper's table: convolutions with their activations, (M, C, H, W) in and out."""

    def __init__(self, channels_in: int, notation: Sequence[str]) -> None:
        """Build the layers that `notation` names, the first reading `channels_in` channels."""
        super().__init__()
        self.specs = [parse_layer(text) for text in notation]
        channels = [channels_in, *(spec.filters for spec in self.specs)]
        self.layers = nn.ModuleList(
            convolution(c, spec) for c, spec in zip(channels, self.specs, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer in order."""
        return self.tail(x, first=0)

    def convolution(self, index: int) -> nn.Conv2d:
        """One of the layers, for callers that factor it."""
        return cast(nn.Conv2d, self.layers[index])

    def tail(self, x: Tensor, *, first: int) -> Tensor:
        """Apply the layers from index `first` on, for callers that factor the earlier ones."""
        for layer, spec in zip(self.layers[first:], self.specs[first:], strict=True):
            x = layer(x)
            if spec.relu:
                x = torch.relu(x)
        return x


class LikelihoodHead(nn.Module):
    """FC1: flattened comparison features (M, F) -> log-likelihood (M,)."""

    def __init__(self, features: int, *, hidden: int = 512, final_relu: bool = False) -> None:
        """`final_relu` is the paper's print; the default is linear (docs/decisions)."""
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)
        self.final_relu = final_relu
        nn.init.normal_(self.hidden.weight, std=math.sqrt(2.0 / features))
        nn.init.zeros_(self.hidden.bias)
        nn.init.normal_(self.output.weight, std=math.sqrt(1.0 / hidden))
        # A relu at the end starts alive only if its input starts positive.
        nn.init.constant_(self.output.bias, 1.0 if final_relu else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Log-likelihood of each row."""
        y = self.output(torch.relu(self.hidden(x))).squeeze(-1)
        return torch.relu(y) if self.final_relu else y
