"""The protocol: an oracle succeeds, a stranger does not, baselines are what they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.baselines import closest_context, uninformed
from dmn_core.evaluation.metrics import rmse_m, squared_error_m2, success_percent
from dmn_core.evaluation.protocol import EvaluationConfig, along, draw_trials, evaluate
from dmn_core.geometry import compose, wrap_angle
from dmn_core.observation import EncodedQuery, NetworkConfig, ObservationModel
from dmn_core.particle_filter import uniform_belief

AREA = (-20.0, 20.0, -20.0, 20.0)
SMALL = NetworkConfig(image_height=8, image_width=8)


def places(count=10, views=12):
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (count, views, 3))
    colour = (poses / (20, 20, math.pi) + 1) * 127.5
    images = np.broadcast_to(colour[:, :, None, None], (count, views, 8, 8, 3))
    return EnvironmentSet.regular(images.astype(np.uint8), poses.astype(np.float32), AREA)


class Oracle(ObservationModel):
    """Reads the pose off the colour of the image."""

    def encode_query(self, images):
        return EncodedQuery(images[..., 0, 0])

    def log_likelihood(self, prepared, query, poses):
        truth = query.response * torch.tensor([20, 20, math.pi])
        off = poses - truth.unsqueeze(1)
        return -0.5 * (off[..., :2].square().sum(-1) / 4 + (wrap_angle(off[..., 2]) / 0.3) ** 2)


CONFIG = EvaluationConfig(trials=30, particles_global=1500, particles_tracking=300, steps=4)


def test_an_oracle_succeeds_and_the_uninformed_does_not():
    results = evaluate(Oracle(SMALL), places(), config=CONFIG)
    assert results["dmn"].one_step_global.value > 90
    assert results["uninformed"].sequential_global.value < 45
    # Some starts lie so far off that no particle is near the truth, whatever the network knows.
    assert results["dmn"].tracking_rmse_m.value < 5 < results["uninformed"].tracking_rmse_m.value
    closest = results["closest_context"]
    assert results["uninformed"].sequential_global.value < closest.sequential_global.value < 100


def test_a_network_that_has_learned_nothing_is_uninformed():
    torch.manual_seed(0)
    network = ObservationModel(SMALL)
    network.fc1.output.weight.data.zero_()
    results = evaluate(network, places(), config=CONFIG)
    assert results["dmn"] == results["uninformed"]


def test_trials_do_not_depend_on_how_many_share_a_pass():
    one, many = (
        list(
            draw_trials(places(), EvaluationConfig(trials=7, trials_at_once=n), torch.device("cpu"))
        )
        for n in (1, 5)
    )
    for name in ("context_poses", "query_poses", "query_images"):
        joined = [torch.cat([getattr(e, name) for e in batches]) for batches in (one, many)]
        assert torch.equal(*joined)
        assert len(joined[0]) == 7


def test_odometry_along_an_episode_leads_from_truth_to_truth():
    episodes = next(draw_trials(places(), EvaluationConfig(trials=3), torch.device("cpu")))
    pose = episodes.query_poses[:, 0]
    for t, (_, odometry) in enumerate(along(episodes)):
        pose = compose(pose, odometry)
        assert torch.allclose(pose[:, :2], episodes.query_poses[:, t, :2], atol=1e-4)


def test_baselines_against_their_definitions():
    episodes = next(draw_trials(places(), EvaluationConfig(trials=4), torch.device("cpu")))
    closest = closest_context(episodes)
    for b in range(4):
        for t in range(5):
            distances = [
                math.dist(c[:2], episodes.query_poses[b, t, :2]) for c in episodes.context_poses[b]
            ]
            assert torch.equal(closest[b, t], episodes.context_poses[b, int(np.argmin(distances))])
    generator = torch.Generator().manual_seed(0)
    belief = uniform_belief(AREA, batch=4, particles=5000, generator=generator)
    # Whatever the robot does, without images and without a heading the mean stays in the middle.
    assert uninformed(episodes, belief, generator)[..., :2].abs().max() < 1.5


def test_success_is_the_papers_limit_with_wilsons_interval():
    figure = success_percent(np.array([79.9] * 30 + [80.1] * 70))
    assert figure.value == pytest.approx(30)
    assert (figure.low, figure.high) == pytest.approx((21.90, 39.58), abs=0.02)
    everything = success_percent(np.zeros(10))
    assert everything.value == 100 and 65 < everything.low < 75 and everything.high <= 100 + 1e-9


def test_rmse_and_squared_error():
    truth = np.zeros((4, 3))
    estimate = np.array([[3, 4, 9.0], [0, 0, 1], [0, 5, 0], [5, 0, 0]])
    errors = squared_error_m2(estimate, truth)
    assert errors.tolist() == [25, 0, 25, 25]
    figure = rmse_m(errors)
    assert figure.value == pytest.approx(math.sqrt(18.75))
    assert figure.low < figure.value < figure.high
    assert f"{figure:.2f}".startswith("4.33 [")


def test_impossible_counts_are_refused():
    with pytest.raises(ConfigurationError, match="trials"):
        EvaluationConfig(trials=0)
