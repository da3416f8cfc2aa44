"""How well views match queries at many particles, without keeping what each particle sees.

First-layer features of all particles and views are too many for a processor's cache, and would be
written and read several times between forward and backward. Here a few particles at a time go all
the way, and are computed again for the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Rows of features at a time on a CPU: a megabyte at 4096 float32 features.
ROWS_IN_CACHE = 64


def attention_products(
    coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor
) -> Tensor:
    """Scalar products of queries with relu(coordinates @ tiled + responses): (B, T, K, N).

    Args:
        coordinates: (B, K, N, C) of views as particles see them.
        tiled: (C, F) what a coordinate adds to each feature.
        responses: (B, N, F) features of the views.
        pulled_back: (B, T, F) query keys, pulled back through the layer that follows.
    """
    inputs = [coordinates, tiled, responses, pulled_back]
    device = coordinates.device.type
    if torch.is_autocast_enabled(device):
        inputs = [x.to(torch.get_autocast_dtype(device)) for x in inputs]
    products: Tensor = _Products.apply(*inputs)
    return products


class _Products(torch.autograd.Function):
    """Particles in blocks, forward and backward."""

    @staticmethod
    def forward(
        context: Any, coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor
    ) -> Tensor:
        context.save_for_backward(coordinates, tiled, responses, pulled_back)
        batch, particles, views = coordinates.shape[:3]
        products = pulled_back.new_empty(batch, pulled_back.shape[1], particles, views)
        for b in range(batch):
            for block in _blocks(coordinates):
                hidden = _hidden(coordinates[b, block], tiled, responses[b])
                told = pulled_back[b] @ hidden.T
                products[b, :, block] = told.unflatten(1, (-1, views))
        return products

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        coordinates, tiled, responses, pulled_back = context.saved_tensors
        views = coordinates.shape[2]
        # Sums over blocks lose nothing in float32, whatever the products are computed in.
        of_coordinates = torch.empty_like(coordinates)
        of_tiled, of_responses, of_pulled_back = (
            torch.zeros(x.shape, device=x.device, dtype=torch.promote_types(x.dtype, torch.float32))
            for x in (tiled, responses, pulled_back)
        )
        for b in range(len(coordinates)):
            for block in _blocks(coordinates):
                seen = coordinates[b, block]
                hidden = _hidden(seen, tiled, responses[b])
                arriving = gradient[b, :, block].flatten(1)
                of_pulled_back[b] += arriving @ hidden
                passed = torch.ops.aten.threshold_backward(arriving.T @ pulled_back[b], hidden, 0.0)
                of_tiled += seen.flatten(0, 1).T @ passed
                of_responses[b] += passed.unflatten(0, (-1, views)).sum(0)
                if context.needs_input_grad[0]:
                    of_coordinates[b, block] = (passed @ tiled.T).unflatten(0, (-1, views))
        return (
            of_coordinates,
            of_tiled.to(tiled.dtype),
            of_responses.to(responses.dtype),
            of_pulled_back.to(pulled_back.dtype),
        )


def _blocks(coordinates: Tensor) -> list[slice]:
    """Particles to take at once: few where there is a cache, all where there are many cores."""
    particles, views = coordinates.shape[1:3]
    size = max(1, ROWS_IN_CACHE // views) if coordinates.device.type == "cpu" else particles
    return [slice(start, start + size) for start in range(0, particles, size)]


def _hidden(coordinates: Tensor, tiled: Tensor, responses: Tensor) -> Tensor:
    """First-layer features (k N, F) of a block of particles (k, N, C)."""
    added = (coordinates.flatten(0, 1) @ tiled).unflatten(0, coordinates.shape[:2])
    return (added + responses).relu_().flatten(0, 1)
