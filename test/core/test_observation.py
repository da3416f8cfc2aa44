"""The factored observation models against the literal networks, values and gradients."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.views import ViewMap

_spec = importlib.util.spec_from_file_location(
    "literal", Path(__file__).parent / "literal_network.py"
)
literal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(literal)

AREA = torch.tensor([20.0, 20.0, 3.0])


pytestmark = pytest.mark.usefixtures("one_thread")


def scene(config, *, views, particles, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = build_network(config).to(dtype)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1:  # biases start at zero and would hide mistakes
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator).to(dtype)
        elif config.head == "pose" and name == "fc1.output.weight":  # so does a fresh pose
            parameter.data *= 30
    size = (config.image_height, config.image_width)
    contexts = torch.rand(1, views, 3, *size, generator=generator).to(dtype) * 2 - 1
    query = torch.rand(1, 3, *size, generator=generator).to(dtype) * 2 - 1
    viewpoints = (torch.rand(1, views, 3, generator=generator).to(dtype) * 2 - 1) * AREA.to(dtype)
    poses = (torch.rand(1, particles, 3, generator=generator).to(dtype) * 2 - 1) * AREA.to(dtype)
    return network, contexts, viewpoints, query, poses


def factored(network, contexts, viewpoints, query, poses):
    """Log-likelihoods (K,), or poses (K, 3) regressed from each."""
    prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
    encoded = network.encode_query(query)
    if network.config.head == "pose":
        found = [network.regress(prepared, encoded, poses[:, k]) for k in range(poses.shape[1])]
        return torch.cat(found)
    return network.log_likelihood(prepared, encoded, poses)[0]


def literally(network, contexts, viewpoints, query, poses):
    config = network.config
    reference = literal.LITERAL[config.map](
        dict(network.named_parameters()),
        attention=config.attention,
        egocentric=config.egocentric,
        scale=config.environment_scale_m,
        final_relu=config.final_relu,
    )
    return reference.prepared(contexts[0], viewpoints[0], query[0])(poses[0])


def relative_error(a, b):
    return ((a - b).abs().max() / b.abs().max()).item()


def values_differ_by(*parts, sample=slice(None)):
    """The literal network takes its time: of many particles it looks at a sample."""
    *rest, poses = parts
    with torch.no_grad():
        return relative_error(factored(*parts)[sample], literally(*rest, poses[:, sample]))


def gradients_differ_by(network, *parts):
    """Largest difference of gradients, as a share of the largest gradient of the same tensor.

    And how many of the tensors had one.
    """
    poses = parts[-1].requires_grad_()
    inputs = [poses, *network.parameters()]
    answers = [factored(network, *parts), literally(network, *parts)]
    weights = torch.linspace(-1, 1.5, answers[0].numel(), dtype=poses.dtype)
    fast, slow = (
        torch.autograd.grad(answer.flatten() @ weights, inputs, materialize_grads=True)
        for answer in answers
    )
    pairs = list(zip(fast, slow, strict=True))
    assert all(a.abs().max() < 1e-12 for a, b in pairs if b.abs().max() == 0)
    worst = max(relative_error(a, b) for a, b in pairs if b.abs().max() > 0)
    return worst, sum(bool(b.abs().max() > 0) for _, b in pairs) / len(pairs)


def test_the_network_has_the_papers_number_of_parameters():
    assert sum(p.numel() for p in build_network(NetworkConfig()).parameters()) == 2_782_369


SMALL = {"image_height": 12, "image_width": 20}
PANORAMA = {"image_height": 104, "image_width": 208}
VARIANTS = [
    {},
    {"attention": "scalar_product"},
    {"attention": "mean"},
    {"egocentric": False},
    {"attention": "mean", "egocentric": False},
    {"final_relu": True},
    {"map": "latent_image"},
    {"map": "latent_vector"},
    {"head": "pose"},
    {"map": "latent_image", "head": "pose"},
    {"map": "latent_vector", "head": "pose"},
]
ALL_PARTICLES, EVERY_64TH = slice(None), slice(None, None, 64)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_values_of_every_variant_equal_the_literal_network(variant):
    assert values_differ_by(*scene(NetworkConfig(**SMALL, **variant), views=3, particles=5)) < 1e-10


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_gradients_of_every_variant_equal_those_of_the_literal_network(variant):
    parts = scene(NetworkConfig(**SMALL, **variant), views=3, particles=5)
    difference, compared = gradients_differ_by(*parts)
    assert difference < 1e-9
    assert compared == 1


# One particle and many, which are worked through in chunks; one view and many.
COUNTS = [(1, 7, ALL_PARTICLES), (4, 1, ALL_PARTICLES), (16, 256, EVERY_64TH)]


@pytest.mark.parametrize("kind", ["view_embedding", "latent_image", "latent_vector"])
@pytest.mark.parametrize(("views", "particles", "sample"), COUNTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_values_equal_for_any_number_of_views_and_particles(
    kind, views, particles, sample, dtype, tolerance
):
    parts = scene(NetworkConfig(map=kind), views=views, particles=particles, dtype=dtype)
    assert values_differ_by(*parts, sample=sample) < tolerance


@pytest.mark.parametrize(("views", "particles"), [(1, 7), (4, 32), (16, 3)])
def test_gradients_equal_for_any_number_of_views_and_particles(views, particles):
    parts = scene(NetworkConfig(), views=views, particles=particles)
    difference, compared = gradients_differ_by(*parts)
    assert difference < 1e-9
    assert compared == 1 or views == 1  # among one there is nothing to choose


def test_gradients_equal_in_single_precision():
    parts = scene(NetworkConfig(), views=4, particles=7, dtype=torch.float32)
    assert gradients_differ_by(*parts)[0] < 1e-3


def test_values_and_gradients_equal_for_panoramas():
    parts = scene(NetworkConfig(**PANORAMA), views=2, particles=1)
    assert values_differ_by(*parts) < 1e-10
    assert gradients_differ_by(*parts)[0] < 1e-9


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"image_height": 30}, "image_height"),
        ({"attention": "hard"}, "attention"),
        ({"map": "mental"}, "map wants view_embedding, latent_image or latent_vector"),
        ({"head": "tail"}, "head wants likelihood or pose, got 'tail'"),
        ({"environment_scale_m": 0.0}, "environment_scale_m"),
    ],
)
def test_impossible_configurations_are_refused_by_name(values, word):
    with pytest.raises(ConfigurationError, match=word):
        NetworkConfig(**values)
