"""Attention of particles to views, without keeping what each particle sees.

First-layer features of all particles and views are too many for a processor's cache, and would be
written and read several times, forward and backward. Here a few particles at a time go all the way,
and are computed again for the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor

AttentionWeights = Literal["softmax", "scalar_product", "mean"]
# Bytes of features at a time, a row for each particle and view. On a CPU they are to stay in its
# cache: 64 rows of 32x32 images. On a GPU a block is to be worth its launches and yet leave room
# for the rest: 16384 rows of 32x32 images, 775 of panoramas. That is by arithmetic, not measured.
BYTES_IN_CACHE = 2**20
BYTES_ON_GPU = 2**28
# What a feature counts for, of whatever precision: blocks, and so the order of sums, stay the same.
BYTES_PER_FEATURE = 4


def attention_products(
    coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor
) -> Tensor:
    """Scalar products of queries with features h = relu(coordinates @ tiled + responses).

    Args:
        coordinates: (B, K, N, C) of views as particles see them.
        tiled: (C, F) what a coordinate adds to each feature.
        responses: (B, N, F) features of the views.
        pulled_back: (B, T, F) query keys, pulled back through the layer that follows.

    Returns:
        (B, T, K, N).
    """
    products: Tensor = _Products.apply(*_in_precision(coordinates, tiled, responses, pulled_back))
    return products


def attention_mixture(
    coordinates: Tensor,
    tiled: Tensor,
    responses: Tensor,
    pulled_back: Tensor,
    bias: Tensor,
    *,
    scale: float,
    weights: AttentionWeights,
) -> tuple[Tensor, Tensor]:
    """Weights of views for one query a row, and the features h mixed by them.

    Args:
        coordinates: (B, K, N, C), as those of `attention_products`, and so the next two.
        tiled: (C, F).
        responses: (B, N, F).
        pulled_back: (B, F).
        bias: (B,).
        scale: scores are scale (<pulled_back, h> + bias).
        weights: softmax of the scores, the scores themselves, or 1 / N whatever they are.

    Returns:
        Weights (B, K, N) and mixtures (B, K, F).
    """
    inputs = _in_precision(coordinates, tiled, responses, pulled_back, bias)
    told: tuple[Tensor, Tensor] = _Mixture.apply(*inputs, scale, weights)
    return told


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor
    ) -> Tensor:
        context.save_for_backward(coordinates, tiled, responses, pulled_back)
        batch, particles, views = coordinates.shape[:3]
        products = pulled_back.new_empty(batch, pulled_back.shape[1], particles, views)
        for b, k in _blocks(coordinates, tiled.shape[1]):
            hidden = _hidden(coordinates[b, k], tiled, responses[b])
            told = torch.bmm(pulled_back[b], hidden.mT)
            products[b, :, k] = told.unflatten(2, (-1, views))
        return products

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        coordinates, tiled, responses, pulled_back = context.saved_tensors
        sums = _Sums(coordinates, tiled, responses, pulled_back)
        for b, k in _blocks(coordinates, tiled.shape[1]):
            hidden = _hidden(coordinates[b, k], tiled, responses[b])
            arriving = gradient[b, :, k].flatten(2)
            sums.of_pulled_back[b] += torch.bmm(arriving, hidden)
            sums.add(b, k, hidden, torch.bmm(arriving.mT, pulled_back[b]))
        return sums.told()


class _Mixture(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        coordinates: Tensor,
        tiled: Tensor,
        responses: Tensor,
        pulled_back: Tensor,
        bias: Tensor,
        scale: float,
        kind: AttentionWeights,
    ) -> tuple[Tensor, Tensor]:
        batch, particles, views = coordinates.shape[:3]
        weights = coordinates.new_full((batch, particles, views), 1.0 / views)
        mixed = responses.new_empty(batch, particles, responses.shape[-1])
        for b, k in _blocks(coordinates, tiled.shape[1]):
            hidden = _hidden(coordinates[b, k], tiled, responses[b])
            if kind != "mean":
                products = torch.bmm(hidden, pulled_back[b].unsqueeze(2)).squeeze(2)
                scores = scale * (products + bias[b].unsqueeze(1)).unflatten(1, (-1, views))
                weights[b, k] = scores.softmax(-1) if kind == "softmax" else scores
            mixing, seen = weights[b, k].unsqueeze(2), hidden.unflatten(1, (-1, views))
            mixed[b, k] = (mixing @ seen).squeeze(2)
        context.save_for_backward(coordinates, tiled, responses, pulled_back, weights)
        context.scale, context.kind = scale, kind
        return weights, mixed

    @staticmethod
    def backward(context: Any, of_weights: Tensor, of_mixed: Tensor) -> tuple[Tensor | None, ...]:
        coordinates, tiled, responses, pulled_back, weights = context.saved_tensors
        sums = _Sums(coordinates, tiled, responses, pulled_back)
        of_bias = torch.zeros_like(sums.of_pulled_back[:, 0])
        views = coordinates.shape[2]
        for b, k in _blocks(coordinates, tiled.shape[1]):
            hidden = _hidden(coordinates[b, k], tiled, responses[b])
            mixing, arriving = weights[b, k], of_mixed[b, k].unsqueeze(2)
            of_hidden = (mixing.unsqueeze(3) * arriving).flatten(1, 2)
            if context.kind != "mean":
                seen = hidden.unflatten(1, (-1, views))
                change = of_weights[b, k] + (seen @ arriving.mT).squeeze(3)
                if context.kind == "softmax":
                    change = mixing * (change - (mixing * change).sum(-1, keepdim=True))
                change = context.scale * change.flatten(1)
                sums.of_pulled_back[b] += torch.bmm(change.unsqueeze(1), hidden).squeeze(1)
                of_bias[b] += change.sum(1)
                of_hidden.baddbmm_(change.unsqueeze(2), pulled_back[b].unsqueeze(1))
            sums.add(b, k, hidden, of_hidden)
        return *sums.told(), of_bias.to(pulled_back.dtype), None, None


class _Sums:
    """Gradients of what all blocks share; sums lose nothing in float32."""

    def __init__(
        self, coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor
    ) -> None:
        self._inputs = coordinates, tiled, responses, pulled_back
        precision = torch.promote_types(tiled.dtype, torch.float32)
        self.of_coordinates = torch.empty_like(coordinates)
        self.of_tiled = torch.zeros_like(tiled, dtype=precision)
        self.of_responses = torch.zeros_like(responses, dtype=precision)
        self.of_pulled_back = torch.zeros_like(pulled_back, dtype=precision)

    def add(self, b: slice, k: slice, hidden: Tensor, of_hidden: Tensor) -> None:
        """The share of a block, from the gradient (b, k N, F) of its features."""
        coordinates, tiled, responses, _ = self._inputs
        seen, views = coordinates[b, k], responses.shape[1]
        passed = torch.ops.aten.threshold_backward(of_hidden, hidden, 0.0)
        self.of_tiled += seen.flatten(0, 2).T @ passed.flatten(0, 1)
        self.of_responses[b] += passed.unflatten(1, (-1, views)).sum(1)
        if coordinates.requires_grad:
            self.of_coordinates[b, k] = (passed @ tiled.T).unflatten(1, (-1, views))

    def told(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As many gradients as inputs, each of its type."""
        found = (self.of_coordinates, self.of_tiled, self.of_responses, self.of_pulled_back)
        a, b, c, d = (x.to(like.dtype) for x, like in zip(found, self._inputs, strict=True))
        return a, b, c, d


def _blocks(coordinates: Tensor, features: int) -> Iterator[tuple[slice, slice]]:
    """Rows of the batch and particles to take at once; a particle with all its views at least."""
    batch, particles, views = coordinates.shape[:3]
    most_bytes = BYTES_IN_CACHE if coordinates.device.type == "cpu" else BYTES_ON_GPU
    most = most_bytes // (BYTES_PER_FEATURE * features)
    maps = max(1, most // (particles * views))
    count = max(1, most // views) if maps == 1 else particles
    for b in range(0, batch, maps):
        for k in range(0, particles, count):
            yield slice(b, b + maps), slice(k, k + count)


def _hidden(coordinates: Tensor, tiled: Tensor, responses: Tensor) -> Tensor:
    """First-layer features (b, k N, F) of a block of particles (b, k, N, C)."""
    added = (coordinates.flatten(0, 2) @ tiled).unflatten(0, coordinates.shape[:3])
    return added.add_(responses.unsqueeze(1)).relu_().flatten(1, 2)


def _in_precision(*inputs: Tensor) -> tuple[Tensor, ...]:
    """All in the type that autocast wants, where it is on; else in that of the widest."""
    device = inputs[0].device.type
    if torch.is_autocast_enabled(device):
        wanted = torch.get_autocast_dtype(device)
    else:
        wanted = reduce(torch.promote_types, (x.dtype for x in inputs))
    return tuple(x.to(wanted) for x in inputs)
