"""What the network in training believes along one fixed episode."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from dmn_core.data.episode import Episodes
from dmn_core.evaluation.algorithms import EncodedTrials
from dmn_core.evaluation.belief_figures import BeliefPanel, belief_figure
from dmn_core.particle_filter import Belief, uniform_belief
from dmn_core.particle_filter.estimate import covariance, weighted_mean
from dmn_core.training.encoding import AnyNetwork

PARTICLES = 512
MOST_PANELS = 5


def belief_picture(network: AnyNetwork, episodes: Episodes, generator: torch.Generator) -> Figure:
    """The belief after each image of the first episode, from knowing nothing."""
    belief = uniform_belief(episodes.area_m, batch=1, particles=PARTICLES, generator=generator)
    trials = EncodedTrials.of(network, episodes)
    if network.config.head == "pose":
        estimates = trials.estimates(belief)
        beliefs = [Belief.equally_weighted(pose[:, None]) for pose in estimates.unbind(1)]
    else:
        beliefs = list(trials.beliefs(belief))
    return belief_figure(
        [_panel(episodes, t, belief) for t, belief in enumerate(beliefs[:MOST_PANELS])],
        viewpoints=_array(episodes.context_poses[0]),
        area_m=episodes.area_m,
    )


def _panel(episodes: Episodes, t: int, belief: Belief) -> BeliefPanel:
    pose = weighted_mean(belief)
    return BeliefPanel(
        time_s=float(t),
        label=f"image {t + 1}",
        particles=_array(belief.poses_map_base[0]),
        weights=_array(belief.log_weights[0].exp()),
        estimate=_array(pose[0]),
        covariance=_array(covariance(belief, pose)[0]),
        truth=_array(episodes.query_poses[0, t]),
        image=episodes.query_images[0, t].cpu().numpy(),
    )


def _array(values: torch.Tensor) -> np.ndarray:
    return values.double().cpu().numpy()
