"""Drawing episodes from environments."""

from __future__ import annotations

import numpy as np
import torch

from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.errors import DataError


def draw_episodes(
    environments: EnvironmentSet,
    *,
    batch: int,
    contexts: int,
    queries: int,
    rng: np.random.Generator,
    device: torch.device | str = "cpu",
) -> Episodes:
    """Draw tasks: different environments, in each different views in random order.

    Raises:
        DataError: an environment has fewer views than one episode needs.

    Source: paper section V-A, trajectories are random orderings of sampled query poses.
    """
    available = environments.images.shape[1]
    if contexts + queries > available:
        raise DataError(
            f"an episode of {contexts} contexts and {queries} queries wants {contexts + queries} "
            f"views, environments have {available}: render more views or ask for fewer"
        )
    chosen = rng.choice(len(environments), size=batch, replace=batch > len(environments))
    return episodes_of(
        environments, chosen, contexts=contexts, queries=queries, rng=rng, device=device
    )


def episodes_of(
    environments: EnvironmentSet,
    chosen: np.ndarray,
    *,
    contexts: int,
    queries: int,
    rng: np.random.Generator,
    device: torch.device | str = "cpu",
) -> Episodes:
    """One episode from each of the chosen environments (B,)."""
    available = environments.images.shape[1]
    views = np.stack([rng.permutation(available)[: contexts + queries] for _ in chosen])
    rows = chosen[:, None]
    images = torch.from_numpy(environments.images[rows, views]).to(device)
    poses = torch.from_numpy(environments.poses_map_camera[rows, views]).float().to(device)
    return Episodes(
        images[:, :contexts],
        poses[:, :contexts],
        images[:, contexts:],
        poses[:, contexts:],
        environments.area_m,
    )
