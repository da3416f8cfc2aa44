"""What the network in training believes along one fixed episode."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from dmn_core.data.episode import Episodes
from dmn_core.evaluation.algorithms import EncodedTrials
from dmn_core.evaluation.belief_figures import belief_figure
from dmn_core.evaluation.episode_pictures import as_array, panel_of
from dmn_core.particle_filter import Belief, uniform_belief
from dmn_core.training.encoding import AnyNetwork

PARTICLES = 512
MOST_PANELS = 5


def belief_picture(network: AnyNetwork, episodes: Episodes, generator: torch.Generator) -> Figure:
    """The belief after each image of the first episode, from knowing nothing."""
    belief = uniform_belief(episodes.area_m, batch=1, particles=PARTICLES, generator=generator)
    trials = EncodedTrials.of(network, episodes)
    if network.config.head == "pose":
        estimates = trials.estimates(belief, ["mean"])["mean"]
        beliefs = [Belief.equally_weighted(pose[:, None]) for pose in estimates.unbind(1)]
    else:
        beliefs = list(trials.beliefs(belief))
    return belief_figure(
        [
            panel_of(episodes, belief, t, label=f"image {t + 1}")
            for t, belief in enumerate(beliefs[:MOST_PANELS])
        ],
        viewpoints=as_array(episodes.context_poses[0]),
        area_m=episodes.area_m,
    )
