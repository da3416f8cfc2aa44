"""How likely a query image is at every place of an area."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dmn_core.evaluation.algorithms import EncodedTrials

CELLS, HEADINGS = 32, 12


@dataclass(frozen=True)
class LikelihoodMap:
    """Log-likelihood over an area, rows along y.

    Attributes:
        grid: x and y [m] of the cells, (2, CELLS, CELLS).
        best: (CELLS, CELLS) log-likelihood of the best heading, 0 at the likeliest cell.
        heading: (CELLS, CELLS) that heading [rad].
        attention: (N,) weights of the contexts at the true pose, as the network's attention makes
            them: shares, or scalar products. None where there is none.
    """

    grid: NDArray[np.float64]
    best: NDArray[np.float64]
    heading: NDArray[np.float64]
    attention: NDArray[np.float64] | None

    @property
    def contrast(self) -> float:
        """Spread of log-likelihoods that is worth a colour."""
        return max(1e-6, float(-np.quantile(self.best, 0.02)))


def likelihood_map(
    encoded: EncodedTrials, t: int, *, cells: int = CELLS, headings: int = HEADINGS
) -> LikelihoodMap:
    """Log-likelihood of query `t` of one trial (B = 1) on a grid of cells and headings."""
    x_min, x_max, y_min, y_max = encoded.episodes.area_m
    xs = x_min + (np.arange(cells) + 0.5) / cells * (x_max - x_min)
    ys = y_min + (np.arange(cells) + 0.5) / cells * (y_max - y_min)
    yaws = np.arange(headings) * 2 * math.pi / headings - math.pi
    y, x, yaw = np.meshgrid(ys, xs, yaws, indexing="ij")
    poses = torch.from_numpy(np.stack([x, y, yaw], axis=-1).reshape(1, -1, 3)).float()
    poses = poses.to(encoded.episodes.query_poses.device)
    log_likelihood = encoded.log_likelihood(encoded.queries[t], poses)[0]
    found = log_likelihood.cpu().double().numpy().reshape(cells, cells, headings)
    best = found.max(axis=-1)
    return LikelihoodMap(
        np.stack([x[..., 0], y[..., 0]]),
        best - best.max(),
        yaws[found.argmax(axis=-1)],
        _attention(encoded, t),
    )


def _attention(encoded: EncodedTrials, t: int) -> NDArray[np.float64] | None:
    """Weights (N,) of attention at the true pose of one trial."""
    network, truth = encoded.network, encoded.episodes.query_poses[:, t]
    if not network.config.attends_to_views:
        return None
    with torch.inference_mode():
        scores = network.attention_scores(encoded.prepared, encoded.queries[t], truth.unsqueeze(1))
    weights = scores.flatten().double()
    if network.config.attention == "softmax":
        weights = torch.softmax(weights, dim=-1)
    return np.asarray(weights.cpu())
