"""The paper's layer notation, filters-kernel-stride-activation, turned into modules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# CNN1..CNN6 of paper appendix A; docs/paper_to_code.md lists the choices behind unclear print.
CONTEXT_ENCODER = ("32-2-2-relu", "32-3-1-relu", "64-2-2-relu", "64-3-1-relu")
VIEW_KEY = ("64-3-1-relu", "32-3-1-lin")
QUERY_STEM = ("32-2-2-relu", "32-3-1-relu", "64-2-2-relu")
QUERY_KEY = ("32-3-1-relu", "64-3-1-relu", "32-3-1-lin")
VIEW_VALUE = ("128-3-1-relu", "64-3-1-relu")
QUERY_FEATURES = ("64-3-1-relu", "128-3-1-relu", "64-3-1-relu")
COMPARISON = ("64-3-1-relu", "64-3-1-relu", "64-3-1-relu")
POSE_CHANNELS = 4  # of a viewpoint or a particle: x, y, sin, cos
# The maps that the paper compares with, in layers of ours (docs/decisions/0013-latent-maps.md).
LATENT_IMAGE = ("128-3-1-relu", "128-3-1-relu", "64-3-1-relu")
LATENT_VECTOR = ("64-3-1-relu", "64-3-1-relu")
LATENT_VECTOR_SIZE = 256


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


def rows(images: Tensor) -> Tensor:
    """Feature images (..., C, h, w) as rows (..., h w C), channels last as convolutions like it."""
    return images.movedim(-3, -1).flatten(-3)


def feature_images(rows: Tensor, *, height: int, width: int) -> Tensor:
    """The inverse of `rows` for (M, h w C), a view without a copy."""
    return rows.unflatten(-1, (height, width, -1)).movedim(-1, -3)


def constant_channel_responses(weight: Tensor, *, height: int, width: int) -> Tensor:
    """Zero-padded convolution of images that are 1 in one channel, (O, J, 3, 3) -> (J, h w O)."""
    ones = weight.new_ones(1, 1, height, width)
    kernels = weight.flatten(0, 1).unsqueeze(1)
    response = F.conv2d(ones, kernels, padding=weight.shape[-1] // 2)
    return rows(response.view(*weight.shape[:2], height, width).transpose(0, 1))


def dense(features_in: int, features_out: int) -> nn.Linear:
    """A fully connected layer that a relu follows, its weights drawn after He et al. 2015."""
    layer = nn.Linear(features_in, features_out)
    nn.init.normal_(layer.weight, std=math.sqrt(2.0 / features_in))
    nn.init.zeros_(layer.bias)
    return layer


class LikelihoodHead(nn.Module):
    """FC1: comparison features (..., F) -> log-likelihood (...)."""

    def __init__(self, features: int, *, hidden: int = 512, final_relu: bool = False) -> None:
        """`final_relu` is the paper's print; the default is linear (docs/decisions)."""
        super().__init__()
        self.hidden = dense(features, hidden)
        self.output = nn.Linear(hidden, 1)
        self.final_relu = final_relu
        nn.init.normal_(self.output.weight, std=math.sqrt(1.0 / hidden))
        # A relu at the end starts alive only if its input starts positive.
        nn.init.constant_(self.output.bias, 1.0 if final_relu else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Log-likelihood of each row."""
        y = self.output(torch.relu(self.hidden(x))).squeeze(-1)
        return torch.relu(y) if self.final_relu else y


class PoseHead(nn.Module):
    """FC1 of regression: comparison features (..., F) -> dx, dy, dyaw (..., 3)."""

    # Small, so that a fresh network answers with the pose that it was given.
    OUTPUT_STD = 1e-3

    def __init__(self, features: int, *, hidden: int = 512) -> None:
        """The hidden layer is the likelihood's."""
        super().__init__()
        self.hidden = dense(features, hidden)
        self.output = nn.Linear(hidden, 3)
        nn.init.normal_(self.output.weight, std=self.OUTPUT_STD)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Motion of each row: x and y in environment units, yaw [rad]."""
        y: Tensor = self.output(torch.relu(self.hidden(x)))
        return y
