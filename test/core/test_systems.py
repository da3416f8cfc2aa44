"""Every system that is listed works: whoever lists a new one has it tested here."""

from __future__ import annotations

import typing

import numpy as np
import pytest
import torch

from dmn_core.checkpoint import load_checkpoint, save_checkpoint, weights_fingerprint
from dmn_core.cli.models import table_of_systems
from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose
from dmn_core.localization import Localizer
from dmn_core.observation import MapName, NetworkConfig, build_network
from dmn_core.observation.build import NETWORKS
from dmn_core.particle_filter.initial_belief import uniform_belief
from dmn_core.regression import RegressionLocalizer
from dmn_core.systems import SYSTEMS, SystemName, network_of, parameters_of
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.training.objectives import episode_loss
from dmn_core.views import ViewMap

AREA = (-20.0, 20.0, -20.0, 20.0)
PARTICLES = 5
SIZE = (8, 12)
every_system = pytest.mark.parametrize("name", SYSTEMS)


pytestmark = pytest.mark.usefixtures("one_thread")


def new_network(name, size=SIZE, dtype=torch.float64):
    torch.manual_seed(0)
    network = build_network(network_of(name, size)).to(dtype)
    if network.config.head == "pose":  # else a fresh one answers with what it is asked
        network.fc1.output.weight.data *= 300
    return network.eval()


def poses(*shape):
    spread = torch.tensor([20.0, 20.0, 3.0], dtype=torch.float64)
    return (torch.rand(*shape, 3, dtype=torch.float64) * 2 - 1) * spread


def scene(network, *, batch=2, views=4):
    torch.manual_seed(1)
    size, dtype = (network.config.image_height, network.config.image_width), poses(1).dtype
    contexts = torch.rand(batch, views, 3, *size, dtype=dtype) * 2 - 1
    query = torch.rand(batch, 3, *size, dtype=dtype) * 2 - 1
    return contexts, poses(batch, views), query, poses(batch, PARTICLES)


def answers(network, contexts, viewpoints, query, particles):
    """Log-likelihoods (B, K), or poses (B, K, 3) regressed from each particle."""
    with torch.no_grad():
        prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
        encoded = network.encode_query(query)
        if network.config.head == "likelihood":
            return network.log_likelihood(prepared, encoded, particles)
        found = [network.regress(prepared, encoded, pose) for pose in particles.unbind(dim=1)]
        return torch.stack(found, dim=1)


def close(a, b):
    return torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def small_episodes(seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (3, 8, *SIZE, 3), dtype=np.uint8)
    places = rng.uniform((-20, -20, -3), (20, 20, 3), (3, 8, 3)).astype(np.float32)
    environments = EnvironmentSet.regular(images, places, AREA)
    return draw_episodes(
        environments, batch=2, contexts=3, queries=2, rng=rng, device=torch.device("cpu")
    )


def test_every_name_is_listed_once():
    assert tuple(SYSTEMS) == typing.get_args(SystemName)
    assert set(NETWORKS) == set(typing.get_args(MapName))
    assert {system.map for system in SYSTEMS.values()} == set(NETWORKS)
    assert len({(network_of(name)) for name in SYSTEMS}) == len(SYSTEMS)


@every_system
def test_its_own_objective_reaches_every_weight(name):
    network = new_network(name, dtype=torch.float32).train()
    config = ObjectiveConfig(name=SYSTEMS[name].objective, particles=PARTICLES)
    losses = episode_loss(
        network, small_episodes(), config=config, generator=torch.Generator().manual_seed(0)
    )
    losses["loss"].backward()
    for weight, parameter in network.named_parameters():
        assert parameter.grad is not None, weight
        assert torch.isfinite(parameter.grad).all(), weight
        # A constant added to all log-likelihoods changes nothing.
        indifferent = weight == "fc1.output.bias" and network.config.head == "likelihood"
        assert indifferent or parameter.grad.abs().max() > 0, weight


@every_system
def test_steps_along_its_objective_make_its_loss_smaller(name):
    network = new_network(name, dtype=torch.float32).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    config = ObjectiveConfig(name=SYSTEMS[name].objective, particles=PARTICLES)
    losses = []
    for _ in range(12):
        generator = torch.Generator().manual_seed(0)
        loss = episode_loss(network, small_episodes(), config=config, generator=generator)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@every_system
def test_moving_the_whole_world_changes_nothing_for_egocentric_systems_alone(name):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network)
    move = torch.tensor([3.0, -2.0, 0.7], dtype=torch.float64)
    here = answers(network, contexts, viewpoints, query, particles)
    there = answers(network, contexts, compose(move, viewpoints), query, compose(move, particles))
    here = compose(move, here) if network.config.head == "pose" else here
    egocentric = SYSTEMS[name].map == "view_embedding" and SYSTEMS[name].egocentric
    assert close(here, there) == egocentric


@every_system
def test_order_of_views_does_not_matter_and_other_viewpoints_do(name):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network, views=5)
    order = torch.tensor([3, 0, 4, 1, 2])
    answer = answers(network, contexts, viewpoints, query, particles)
    assert close(
        answer, answers(network, contexts[:, order], viewpoints[:, order], query, particles)
    )
    swapped = answers(network, contexts, viewpoints[:, order], query, particles)
    assert not close(answer, swapped)


@every_system
def test_rows_of_a_batch_know_nothing_of_each_other(name):
    network = new_network(name)
    parts = scene(network, batch=3)
    together = answers(network, *parts)
    alone = torch.cat([answers(network, *(part[b : b + 1] for part in parts)) for b in range(3)])
    assert close(together, alone)
    assert not close(together[0], together[1])


@every_system
def test_answers_differ_from_particle_to_particle_and_image_to_image(name):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network)
    answer = answers(network, contexts, viewpoints, query, particles)
    assert answer.std(dim=1).min() > 1e-6
    assert not close(answer, answers(network, contexts, viewpoints, query.flip(0), particles))


@every_system
@pytest.mark.parametrize(("size", "counts"), [((32, 32), (1, 4, 16)), ((104, 208), (2,))])
def test_any_number_of_views_and_both_sizes_of_images(name, size, counts):
    with torch.device("meta"):
        network = build_network(network_of(name, size))
    network.to_empty(device="cpu")
    for parameter in network.parameters():  # drawing as many numbers would take its time
        parameter.data.fill_(1e-3)
    for views in counts:
        answer = answers(
            network,
            torch.rand(1, views, 3, *size),
            poses(1, views).float(),
            torch.rand(1, 3, *size),
            poses(1, 2).float(),
        )
        assert answer.shape == ((1, 2, 3) if SYSTEMS[name].head == "pose" else (1, 2))
        assert torch.isfinite(answer).all()


@every_system
def test_particles_in_chunks_and_maps_repeated_give_the_same(name, monkeypatch):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network)
    whole = answers(network, contexts, viewpoints, query, particles)
    monkeypatch.setattr("dmn_core.observation.localization_network.BYTES_PER_CHUNK", 1)
    assert close(whole, answers(network, contexts, viewpoints, query, particles))
    twice = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints)).repeat(2)
    encoded = network.encode_query(query.repeat_interleave(2, 0))
    if network.config.head == "likelihood":
        again = network.log_likelihood(twice, encoded, particles.repeat_interleave(2, 0))
    else:
        again = network.regress(twice, encoded, particles[:, 0].repeat_interleave(2, 0))
        whole = whole[:, 0]
    assert close(again, whole.repeat_interleave(2, 0))


@every_system
def test_weights_come_back_as_the_same_system(name, tmp_path):
    network = new_network(name, dtype=torch.float32)
    save_checkpoint(tmp_path / "weights", network, dtype=torch.float32)
    loaded = load_checkpoint(tmp_path / "weights")
    assert type(loaded.network) is type(network)
    assert loaded.network.config == network.config == network_of(name, SIZE)
    assert loaded.fingerprint == weights_fingerprint(network)
    parts = [part.float() for part in scene(network)]
    assert torch.equal(answers(loaded.network, *parts), answers(network, *parts))


@every_system
@pytest.mark.parametrize("size", [(32, 32), (104, 208)], ids=str)
def test_numbers_of_parameters_are_comparable_with_the_papers(name, size):
    paper = parameters_of("dmn", size)
    assert abs(parameters_of(name, size) / paper - 1) < 0.07


@every_system
def test_a_localizer_takes_filters_and_refuses_regression(name):
    network = new_network(name, dtype=torch.float32)
    if SYSTEMS[name].head == "likelihood":
        assert Localizer(network).network is network
        return
    with pytest.raises(ConfigurationError, match="head 'likelihood', got 'pose'"):
        Localizer(network)


@every_system
def test_what_a_head_does_not_do_is_refused(name):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network)
    prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
    encoded = network.encode_query(query)
    if network.config.head == "pose":
        with pytest.raises(ConfigurationError, match="a particle filter wants"):
            network.log_likelihood(prepared, encoded, particles)
        return
    with pytest.raises(ConfigurationError, match="regression wants"):
        network.regress(prepared, encoded, particles[:, 0])
    with pytest.raises(ConfigurationError, match="head 'pose', got 'likelihood'"):
        RegressionLocalizer(network, prepared)


@every_system
def test_only_networks_that_attend_have_attention_scores(name):
    network = new_network(name)
    contexts, viewpoints, query, particles = scene(network)
    prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
    encoded = network.encode_query(query)
    if SYSTEMS[name].map == "view_embedding" and SYSTEMS[name].attention != "mean":
        scores = network.attention_scores(prepared, encoded, particles)
        assert scores.shape == (2, 1, PARTICLES, 4)
        return
    with pytest.raises(ConfigurationError, match="attention scores want"):
        network.attention_scores(prepared, encoded, particles)


def test_regression_starts_at_the_mean_and_moves_along_odometry():
    torch.manual_seed(0)
    network = build_network(network_of("view-embedding-regression", SIZE))
    contexts, viewpoints, query, _ = (part.float() for part in scene(network))
    prepared = network.prepare_map(ViewMap(network.encode_views(contexts), viewpoints))
    localizer = RegressionLocalizer(network, prepared)
    generator = torch.Generator().manual_seed(0)
    pose = localizer.start(uniform_belief(AREA, batch=2, particles=4000, generator=generator))
    assert pose[:, :2].abs().max() < 1
    odometry = torch.tensor([[2.0, 0.0, 0.5], [0.0, 1.0, -0.5]])
    moved = localizer.step(pose, network.encode_query(query), odometry)
    # A fresh network has nothing to correct.
    assert torch.allclose(moved, compose(pose, odometry), atol=1.0)
    network.fc1.output.bias.data += torch.tensor([0.1, 0.0, 0.2])
    corrected = localizer.step(pose, network.encode_query(query), odometry)
    ahead = compose(moved, torch.tensor([2.0, 0.0, 0.2]))
    assert torch.allclose(corrected, ahead, atol=0.2)


def test_a_system_decides_its_own_and_leaves_the_rest():
    base = NetworkConfig(attention="scalar_product", environment_scale_m=7.0, final_relu=True)
    config = network_of("dmn-no-egocentric", (104, 208), base)
    assert (config.image_height, config.image_width, config.egocentric) == (104, 208, False)
    assert (config.attention, config.environment_scale_m) == ("scalar_product", 7.0)
    assert network_of("dmn-no-attention", base=base).attention == "mean"
    assert network_of("dmn", base=NetworkConfig(attention="mean")).attention == "softmax"
    with pytest.raises(ConfigurationError, match="latent-image.*got 'slam'"):
        network_of("slam")


def test_the_table_of_systems_counts_the_papers_network():
    cells = {str(column.header): list(column.cells) for column in table_of_systems().columns}
    assert cells["name"] == [*SYSTEMS, "closest context", "uninformed"]
    assert cells["32 x 32"][0] == "2,782,369"
    assert cells["32 x 32"][-2:] == ["0", "0"]
