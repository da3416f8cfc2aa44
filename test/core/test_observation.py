"""The factored observation model against the literal network, values and gradients."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.views import ViewMap

_spec = importlib.util.spec_from_file_location(
    "literal", Path(__file__).parent / "literal_network.py"
)
literal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(literal)

AREA = torch.tensor([20.0, 20.0, 3.0])


def scene(config, *, views, particles, dtype, seed=0):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = ObservationModel(config).to(dtype)
    for parameter in network.parameters():
        if parameter.ndim == 1:  # biases start at zero and would hide mistakes
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator).to(dtype)
    size = (config.image_height, config.image_width)
    contexts = torch.rand(1, views, 3, *size, generator=generator).to(dtype) * 2 - 1
    query = torch.rand(1, 3, *size, generator=generator).to(dtype) * 2 - 1
    viewpoints = (torch.rand(1, views, 3, generator=generator).to(dtype) * 2 - 1) * AREA.to(dtype)
    poses = (torch.rand(1, particles, 3, generator=generator).to(dtype) * 2 - 1) * AREA.to(dtype)
    return network, contexts, viewpoints, query, poses


def factored(network, contexts, viewpoints, query, poses):
    prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
    return network.log_likelihood(prepared, network.encode_query(query), poses)


def literally(network, contexts, viewpoints, query, poses):
    config = network.config
    reference = literal.LiteralNetwork(
        dict(network.named_parameters()),
        attention=config.attention,
        egocentric=config.egocentric,
        scale=config.environment_scale_m,
        final_relu=config.final_relu,
    )
    return reference.prepared(contexts[0], viewpoints[0], query[0])(poses[0])[None]


def relative_error(a, b):
    return ((a - b).abs().max() / b.abs().max()).item()


def test_the_network_has_the_papers_number_of_parameters():
    assert sum(p.numel() for p in ObservationModel().parameters()) == 2_782_369


SIZES = [(32, 32), (104, 208)]


@pytest.mark.parametrize("particles", [1, 7, 256])
@pytest.mark.parametrize("views", [1, 4, 16])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_factored_values_equal_the_literal_network(size, views, particles, dtype, tolerance):
    config = NetworkConfig(image_height=size[0], image_width=size[1])
    *rest, poses = scene(config, views=views, particles=particles, dtype=dtype)
    # The literal network takes its time: of many particles it looks at a few, spread over all.
    sample = slice(0, None, max(1, particles // (8 if size == (32, 32) else 2)))
    with torch.no_grad():
        fast = factored(*rest, poses)[:, sample]
        slow = literally(*rest, poses[:, sample])
    assert relative_error(fast, slow) < tolerance


VARIANTS = [
    NetworkConfig(),
    NetworkConfig(attention="scalar_product"),
    NetworkConfig(attention="mean"),
    NetworkConfig(egocentric=False),
    NetworkConfig(attention="mean", egocentric=False),
    NetworkConfig(final_relu=True),
]


def gradients_differ_by(network, *parts, sample):
    """Largest difference of gradients, as a share of the largest gradient of the same tensor.

    The literal network looks at the sampled particles only; those left out count for nothing in
    the sum whose gradients are taken.
    """
    poses = parts[-1].requires_grad_()
    weights = torch.zeros(poses.shape[1], dtype=poses.dtype)
    weights[sample] = torch.linspace(-1, 1.5, len(weights[sample]), dtype=poses.dtype)
    inputs = [poses, *network.parameters()]
    fast = factored(network, *parts)[0] @ weights
    slow = literally(network, *parts[:-1], poses[:, sample])[0] @ weights[sample]
    worst = 0.0
    for a, b in zip(
        torch.autograd.grad(fast, inputs, allow_unused=True),
        torch.autograd.grad(slow, inputs, allow_unused=True),
        strict=True,
    ):
        if b is None:  # a layer that this variant does not use
            assert a is None or a.abs().max() == 0
        elif b.abs().max() > 0:
            worst = max(worst, relative_error(a, b))
    return worst


# With 256 particles and 16 panoramas the intermediate results of a gradient fill several GB.
GRADIENT_CASES = [((32, 32), n, k) for n in (1, 4, 16) for k in (1, 7, 256)]
GRADIENT_CASES += [((104, 208), n, k) for n in (1, 4, 16) for k in (1, 7)] + [((104, 208), 4, 256)]


@pytest.mark.parametrize(("size", "views", "particles"), GRADIENT_CASES, ids=str)
def test_gradients_equal_those_of_the_literal_network(size, views, particles):
    config = NetworkConfig(image_height=size[0], image_width=size[1])
    parts = scene(config, views=views, particles=particles, dtype=torch.float64)
    sample = slice(0, None, max(1, particles // (8 if size == (32, 32) else 2)))
    # A key's own bias hardly moves a softmax, and its gradient is what rounding leaves of it.
    assert gradients_differ_by(*parts, sample=sample) < 1e-9


@pytest.mark.parametrize("config", VARIANTS, ids=repr)
def test_variant_gradients_equal_those_of_the_literal_network(config):
    parts = scene(config, views=4, particles=7, dtype=torch.float64)
    assert gradients_differ_by(*parts, sample=slice(None)) < 1e-9


def test_single_precision_gradients_equal_those_of_the_literal_network():
    parts = scene(NetworkConfig(), views=4, particles=7, dtype=torch.float32)
    assert gradients_differ_by(*parts, sample=slice(None)) < 1e-3


@pytest.mark.parametrize("config", VARIANTS, ids=repr)
def test_variant_values_equal_the_literal_network(config):
    parts = scene(config, views=4, particles=7, dtype=torch.float64)
    with torch.no_grad():
        assert relative_error(factored(*parts), literally(*parts)) < 1e-10


def test_moving_the_whole_world_changes_nothing():
    network, contexts, viewpoints, query, poses = scene(
        NetworkConfig(), views=4, particles=32, dtype=torch.float64
    )
    move = torch.tensor([13.0, -7.0, 2.1], dtype=torch.float64)
    with torch.no_grad():
        here = factored(network, contexts, viewpoints, query, poses)
        there = factored(network, contexts, compose(move, viewpoints), query, compose(move, poses))
    assert torch.allclose(here, there, rtol=1e-9, atol=1e-9)


def test_order_of_views_does_not_matter():
    network, contexts, viewpoints, query, poses = scene(
        NetworkConfig(), views=5, particles=8, dtype=torch.float64
    )
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        a = factored(network, contexts, viewpoints, query, poses)
        b = factored(network, contexts[:, order], viewpoints[:, order], query, poses)
    assert torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def test_without_egocentric_the_place_in_the_map_matters():
    network, contexts, viewpoints, query, poses = scene(
        NetworkConfig(egocentric=False), views=4, particles=8, dtype=torch.float64
    )
    move = torch.tensor([13.0, -7.0, 2.1], dtype=torch.float64)
    with torch.no_grad():
        here = factored(network, contexts, viewpoints, query, poses)
        there = factored(network, contexts, compose(move, viewpoints), query, compose(move, poses))
    assert not torch.allclose(here, there, rtol=1e-3)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"image_height": 30}, "image_height"),
        ({"attention": "hard"}, "attention"),
        ({"environment_scale_m": 0.0}, "environment_scale_m"),
    ],
)
def test_impossible_configurations_are_refused_by_name(values, word):
    with pytest.raises(ConfigurationError, match=word):
        NetworkConfig(**values)
