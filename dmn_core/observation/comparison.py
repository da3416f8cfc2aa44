"""CNN6, its first layer split by what it reads: each part is computed as often as it changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from dmn_core.networks import (
    COMPARISON,
    ConvStack,
    constant_channel_responses,
    feature_images,
    rows,
)


class Comparison(ConvStack):
    """CNN6: named inputs side by side -> features of the comparison.

    The first layer is linear, so it is the sum of `read` and `read_tiled` over all inputs;
    `finish` does the rest.
    """

    def __init__(self, inputs: Mapping[str, int]) -> None:
        """`inputs` names the parts in the order of their channels, and how many each has."""
        super().__init__(sum(inputs.values()), COMPARISON)
        ends = accumulate(inputs.values())
        self.parts = {
            name: slice(end - size, end)
            for (name, size), end in zip(inputs.items(), ends, strict=True)
        }

    def read(self, part: str, images: Tensor, *, with_bias: bool = False) -> Tensor:
        """First layer's reading of one input: images (M, C, h, w) -> (M, 64, h, w)."""
        first = self.convolution(0)
        bias = first.bias if with_bias else None
        return F.conv2d(images, self._kernel(part), bias, padding=1)

    def read_tiled(self, part: str, numbers: Tensor, *, height: int, width: int) -> Tensor:
        """First layer's reading of numbers (..., J) tiled over the image: rows (..., h w 64)."""
        return numbers @ constant_channel_responses(self._kernel(part), height=height, width=width)

    def finish(self, first: Tensor, *, height: int, width: int) -> Tensor:
        """Sum of readings as rows (B, K, h w 64) -> flattened features (B, K, h w 64)."""
        x = feature_images(torch.relu(first).flatten(0, 1), height=height, width=width)
        return rows(self.tail(x, first=1)).unflatten(0, first.shape[:2])

    def _kernel(self, part: str) -> Tensor:
        return self.convolution(0).weight[:, self.parts[part]]
