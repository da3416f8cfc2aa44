"""Scores of views, computed block by block, against the formula read literally."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from dmn_core import attention_blocks as module
from dmn_core.attention_blocks import attention_mixture, attention_products

BATCH, PARTICLES, VIEWS, QUERIES, FEATURES = 2, 7, 3, 4, 40


def inputs(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (BATCH, PARTICLES, VIEWS, 4),
        (4, FEATURES),
        (BATCH, VIEWS, FEATURES),
        (BATCH, QUERIES, FEATURES),
    )
    drawn = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return [x.requires_grad_() for x in drawn]


def take_at_once(monkeypatch: Any, rows: int) -> None:
    monkeypatch.setattr(module, "BYTES_IN_CACHE", rows * FEATURES * module.BYTES_PER_FEATURE)


def literal(coordinates: Tensor, tiled: Tensor, responses: Tensor, pulled_back: Tensor) -> Tensor:
    hidden = torch.relu(coordinates @ tiled + responses.unsqueeze(1))
    return torch.einsum("bknf,btf->btkn", hidden, pulled_back)


@pytest.mark.parametrize("rows", [1, 6, 10_000])
def test_values_and_gradients_are_those_of_the_formula(monkeypatch: Any, rows: int) -> None:
    take_at_once(monkeypatch, rows)  # 7 particles: 1, 2 or all at a time
    given = inputs()
    found, wanted = attention_products(*given), literal(*given)
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(wanted)
    for mine, reference in zip(
        torch.autograd.grad((found * weights).sum(), given),
        torch.autograd.grad((wanted * weights).sum(), given),
        strict=True,
    ):
        torch.testing.assert_close(mine, reference)


def literal_mixture(*given: Tensor, scale: float, kind: str) -> tuple[Tensor, Tensor]:
    coordinates, tiled, responses, pulled_back, bias = given
    hidden = torch.relu(coordinates @ tiled + responses.unsqueeze(1))
    scores = scale * (torch.einsum("bknf,bf->bkn", hidden, pulled_back) + bias[:, None, None])
    weights = {
        "softmax": torch.softmax(scores, -1),
        "scalar_product": scores,
        "mean": torch.full_like(scores, 1 / VIEWS),
    }[kind]
    return weights, torch.einsum("bkn,bknf->bkf", weights, hidden)


@pytest.mark.parametrize("kind", ["softmax", "scalar_product", "mean"])
@pytest.mark.parametrize("rows", [1, 6, 10_000])
def test_mixtures_and_their_gradients_are_those_of_the_formula(
    monkeypatch: Any, rows: int, kind: Any
) -> None:
    take_at_once(monkeypatch, rows)
    *given, pulled_back = inputs()
    pulled_back = pulled_back.detach()[:, 0].requires_grad_()
    bias = torch.tensor([0.5, -2.0], dtype=torch.float64, requires_grad=True)
    given = [*given, pulled_back, bias]
    found = attention_mixture(*given, scale=0.3, weights=kind)
    wanted = literal_mixture(*given, scale=0.3, kind=kind)
    for mine, reference in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, reference)
    weighing = [torch.randn_like(x) for x in wanted]
    gradients = [
        torch.autograd.grad(
            sum((x * w).sum() for x, w in zip(told, weighing, strict=True)),
            given,
            allow_unused=True,
            materialize_grads=True,
        )
        for told in (found, wanted)
    ]
    for mine, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, reference)


def test_autocast_computes_in_its_precision() -> None:
    given = inputs(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention_products(*given)
    assert found.dtype == torch.bfloat16
    found.float().sum().backward()
    wanted = torch.autograd.grad(literal(*given).sum(), given)
    torch.testing.assert_close(found.float(), literal(*given), rtol=0.05, atol=0.5)
    for parameter, gradient in zip(given, wanted, strict=True):
        assert parameter.grad is not None and parameter.grad.dtype == torch.float32
        # A feature near zero may fall on the other side of the relu.
        assert (parameter.grad - gradient).norm() < 0.1 * gradient.norm()


def test_what_is_frozen_gets_no_gradient() -> None:
    given = inputs()
    given[0] = given[0].detach()
    attention_products(*given).sum().backward()
    assert given[0].grad is None and given[1].grad is not None


@pytest.mark.parametrize(
    ("device", "features", "rows"),
    [
        ("cpu", 8 * 8 * 64, 64),
        ("cpu", 26 * 52 * 64, 4),  # a particle with all its views at least
        ("meta", 8 * 8 * 64, 2**14),
        ("meta", 26 * 52 * 64, 772),
    ],
)
def test_blocks_are_bounded_in_bytes(device: str, features: int, rows: int) -> None:
    views = 4
    coordinates = torch.empty(1, 2**14, views, 4, device=device)
    blocks = list(module._blocks(coordinates, features))
    assert blocks[0][1] == slice(0, rows // views)
    assert [k.start for _, k in blocks[1:]] == [k.stop for _, k in blocks[:-1]]
    assert blocks[-1][1].stop >= coordinates.shape[1]
