"""Training: it learns, it resumes exactly, and its losses mean what they say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from dmn_core.checkpoint import load_checkpoint
from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import CheckpointError, DataError
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.training.config import TrainingConfig
from dmn_core.training.loop import Trainer
from dmn_core.training.losses import likelihood_cross_entropy, pose_error, soft_target
from dmn_core.training.objectives import ObjectiveConfig, episode_loss, training_particles
from dmn_core.training.schedule import learning_rate_factor

AREA = (-20.0, 20.0, -20.0, 20.0)
SMALL = NetworkConfig(image_height=8, image_width=8)


def environments(count=6, views=8, seed=0):
    """Places whose views show where they were taken: red tells x, green y, blue the heading."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (count, views, 3))
    colour = (poses / (20, 20, math.pi) + 1) * 127.5
    images = np.broadcast_to(colour[:, :, None, None], (count, views, 8, 8, 3))
    return EnvironmentSet.regular(images.astype(np.uint8), poses.astype(np.float32), AREA)


def config(**changes):
    values = {
        "network": SMALL,
        "objective": ObjectiveConfig(particles=8, attention_weight=0.5, attention_particles=8),
        "contexts": 3,
        "batch": 3,
        "queries": 2,
        "max_steps": 6,
        "warmup_steps": 2,
        "validate_every_steps": 3,
        "validation_batches": 2,
        "accelerator": "cpu",
    }
    return TrainingConfig(**{**values, **changes})


def run(folder, **changes):
    trainer = Trainer(
        config(**changes),
        training=environments(),
        validation=environments(seed=1),
        folder=folder,
    )
    trainer.run()
    return trainer


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.learner.parameters()])


def test_equal_seeds_give_equal_weights_and_others_do_not(tmp_path):
    a, b, c = (run(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))


def test_a_broken_off_run_resumes_exactly(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole")

    class PowerCutError(Exception):
        pass

    steps = Trainer._step

    def cut(self, progress):
        if self.steps == 4:  # one step after the state of step 3 was saved
            raise PowerCutError
        return steps(self, progress)

    monkeypatch.setattr(Trainer, "_step", cut)
    with pytest.raises(PowerCutError):
        run(tmp_path / "cut")
    monkeypatch.setattr(Trainer, "_step", steps)
    resumed = run(tmp_path / "cut")
    assert resumed.steps == 6 and resumed.samples == whole.samples
    assert torch.equal(weights(whole), weights(resumed))


def test_the_run_folder_holds_what_is_needed_to_know_and_use_the_run(tmp_path):
    run(tmp_path / "run")
    entries = [
        json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    ]
    assert [entry["samples"] for entry in entries] == [18, 36]
    assert all(math.isfinite(entry["unseen"]["loss"]) for entry in entries)
    assert (tmp_path / "run" / "config.yaml").is_file()
    assert list((tmp_path / "run" / "tensorboard").rglob("events.*"))
    best = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert best.network.config == SMALL and best.record["seed"] == 0


def test_a_damaged_state_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="delete it"):
        run(tmp_path)


def test_a_time_box_is_kept(tmp_path):
    trainer = run(tmp_path, minutes=0.03, max_steps=0, validate_every_steps=100_000)
    assert 1.0 < trainer.seconds < 10.0 and trainer.steps > 2


@pytest.mark.parametrize("name", ["likelihood", "tracking"])
def test_both_objectives_learn_a_world_that_shows_its_poses(tmp_path, name):
    trainer = run(
        tmp_path,
        objective=ObjectiveConfig(name=name, particles=16),
        max_steps=150,
        batch=6,
        queries=4,
        warmup_steps=10,
        validate_every_steps=75,
        weight_average=0.9,
        learning_rate=2e-3,
    )
    entries = [json.loads(line) for line in trainer.folder.log.read_text().splitlines()]
    chance = (
        likelihood_at_chance(trainer) if name == "likelihood" else entries[0]["training"]["loss"]
    )
    assert entries[-1]["training"]["loss"] < 0.9 * chance


def likelihood_at_chance(trainer):
    return math.log(trainer.config.objective.particles)


def test_cross_entropy_is_least_at_its_target():
    truth = torch.tensor([[1.0, 2.0, 3.0]])
    poses = torch.tensor([[[1.0, 2.0, 3.0], [3.0, 2.0, 3.0], [1.0, 2.0, -3.0]]])
    target = soft_target(poses, truth)
    assert torch.allclose(target.sum(-1), torch.ones(1))
    # 2 m away is one standard deviation; so is a turn of 0.2, here 0.283 rad across pi.
    assert torch.allclose(target[0, 1] / target[0, 0], torch.tensor(math.exp(-0.5)), atol=1e-4)
    turn = 2 * math.pi - 6
    assert torch.allclose(
        target[0, 2] / target[0, 0], torch.tensor(math.exp(-0.5 * (turn / 0.2) ** 2)), atol=1e-4
    )
    least = likelihood_cross_entropy(target.log(), target)
    entropy = -(target * target.log()).sum()
    assert torch.allclose(least, entropy)
    assert likelihood_cross_entropy(torch.zeros(1, 3), target) > least


def test_the_pose_error_is_the_papers():
    truth = torch.tensor([[0.0, 0.0, math.pi - 0.1]])
    estimate = torch.tensor([[20.0, 10.0, -math.pi + 0.1]])
    error = pose_error(estimate, truth, environment_scale_m=20.0)
    assert error.item() == pytest.approx(1.0 + 0.25 + 0.5 * 0.2**2, abs=1e-5)


def test_training_particles_are_near_around_and_anywhere():
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    episodes = draw_episodes(environments(), batch=200, contexts=2, queries=1, rng=rng)
    truth = episodes.query_poses[:, 0]
    settings = ObjectiveConfig(particles=21, near_particles=1, uniform_fraction=0.3)
    poses = training_particles(truth, episodes, config=settings, generator=generator)
    assert poses.shape == (200, 21, 3)
    off = (poses - truth[:, None])[..., :2].norm(dim=-1)
    assert off[:, 0].mean() < 3 < off[:, 1:15].mean() < off[:, 15:].mean()


@pytest.mark.parametrize("name", ["likelihood", "tracking"])
def test_queries_that_share_a_map_lose_what_they_lose_alone(name):
    """One map for several queries is arithmetic, not another objective."""
    torch.manual_seed(0)
    network = ObservationModel(SMALL).double()
    rng = np.random.default_rng(0)
    episodes = draw_episodes(environments(), batch=2, contexts=2, queries=3, rng=rng)
    from dmn_core.training.objectives import encode_episodes

    prepared, query, truth = encode_episodes(network.float(), episodes)
    poses = truth[:, None] + torch.randn(6, 5, 3)
    together = network.compare(prepared, query, poses)[0]
    for row in range(2):
        for t in range(3):
            alone = type(episodes)(
                episodes.context_images[row : row + 1],
                episodes.context_poses[row : row + 1],
                episodes.query_images[row : row + 1, t : t + 1],
                episodes.query_poses[row : row + 1, t : t + 1],
                AREA,
            )
            parts = encode_episodes(network, alone)
            single = network.compare(parts[0], parts[1], poses[3 * row + t][None])[0]
            assert torch.allclose(single[0], together[3 * row + t], atol=1e-5)
    generator = torch.Generator().manual_seed(0)
    loss = episode_loss(network, episodes, config=ObjectiveConfig(name=name), generator=generator)
    assert torch.isfinite(loss["loss"])


def test_contexts_and_queries_of_an_episode_are_different_views():
    places = environments(count=4, views=8)
    rng = np.random.default_rng(0)
    episodes = draw_episodes(places, batch=4, contexts=3, queries=5, rng=rng)
    for row in range(4):
        poses = torch.cat((episodes.context_poses[row], episodes.query_poses[row]))
        assert len(torch.unique(poses, dim=0)) == 8
        # all from one place, and images stay with their poses
        owner = [
            e
            for e in range(4)
            if np.isin(poses[:, 0].numpy(), places.poses_map_camera[places.views_of(e), 0]).all()
        ]
        assert len(owner) == 1
    colour = episodes.query_images[..., 0, 0, 0].float() / 127.5 - 1
    assert torch.allclose(colour, episodes.query_poses[..., 0] / 20, atol=0.01)


def test_too_few_views_are_refused():
    with pytest.raises(DataError, match="wants 10 different views, environment . has 8"):
        draw_episodes(environments(), batch=1, contexts=4, queries=6, rng=np.random.default_rng())


def test_the_learning_rate_warms_up_and_decays():
    def factor(steps, progress):
        return learning_rate_factor(
            steps=steps, progress=progress, warmup_steps=10, final_fraction=0.1
        )

    assert factor(0, 0.0) == pytest.approx(0.1)
    assert factor(9, 0.0) == pytest.approx(1.0)
    assert factor(50, 0.5) == pytest.approx(0.55)
    assert factor(99, 1.0) == pytest.approx(0.1)
