"""Drawing episodes from environments."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dmn_core.data.episode import EnvironmentSet, Episodes, ViewRole
from dmn_core.data.sources import sources_with_far_views
from dmn_core.errors import DataError


def draw_episodes(
    environments: EnvironmentSet,
    *,
    batch: int,
    contexts: int,
    queries: int,
    rng: np.random.Generator,
    far_contexts: int = 0,
    device: torch.device | str = "cpu",
) -> Episodes:
    """Draw tasks: different environments, in each different views in random order.

    Environments with fewer views than an episode needs are passed over.

    Args:
        environments: to draw from.
        batch: B. contexts: N, without the far ones. queries: T.
        rng: what decides the draw.
        far_contexts: how many contexts from around the area follow the others.
        device: of the episodes.

    Raises:
        DataError: every environment has fewer views than one episode needs.

    Source: paper section V-A, trajectories are random orderings of sampled query poses.
    """
    able = environments.with_views(contexts=contexts, queries=queries, far_contexts=far_contexts)
    # Where none is able, the first says what it lacks.
    able = able if len(able) else np.zeros(1, dtype=np.int64)
    chosen = rng.choice(len(able), size=batch, replace=batch > len(able))
    return episodes_of(
        environments,
        able[chosen],
        contexts=contexts,
        queries=queries,
        rng=rng,
        far_contexts=far_contexts,
        device=device,
    )


def episodes_of(
    environments: EnvironmentSet,
    chosen: np.ndarray,
    *,
    contexts: int,
    queries: int,
    rng: np.random.Generator,
    far_contexts: int = 0,
    device: torch.device | str = "cpu",
) -> Episodes:
    """One episode from each of the chosen environments (B,); see `draw_episodes`."""
    drawn = [
        _draw_views(environments, int(e), contexts, queries, far_contexts, rng) for e in chosen
    ]
    maps = np.stack([context for context, _ in drawn])
    asked = np.stack([query for _, query in drawn])
    return Episodes(
        environments.images_of(maps).to(device),
        _poses(environments, maps, device),
        environments.images_of(asked).to(device),
        _poses(environments, asked, device),
        environments.area_m,
    )


def _draw_views(
    environments: EnvironmentSet,
    environment: int,
    contexts: int,
    queries: int,
    far_contexts: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Different views as contexts (N,) and as queries (T,)."""
    if environments.roles is None and far_contexts == 0:
        views = rng.permutation(environments.views_of(environment))[: contexts + queries]
        _refuse_too_few(environment, len(views), contexts + queries, "")
        return views[:contexts], views[contexts:]
    maps = _some(environments, environment, ViewRole.CONTEXT, contexts, rng)
    asked = _some(environments, environment, ViewRole.QUERY, queries, rng, apart_from=maps)
    far = _some(environments, environment, ViewRole.FAR, far_contexts, rng)
    return np.concatenate([maps, far]), asked


def _some(
    environments: EnvironmentSet,
    environment: int,
    role: ViewRole,
    count: int,
    rng: np.random.Generator,
    *,
    apart_from: np.ndarray | tuple[()] = (),
) -> np.ndarray:
    # Without roles no view is known to be from around the area.
    none = count == 0 or (role == ViewRole.FAR and environments.roles is None)
    views = np.empty(0, dtype=np.int64) if none else environments.views_of(environment, role)
    views = rng.permutation(np.setdiff1d(views, apart_from))[:count]
    advice = _MORE_VIEWS
    if role == ViewRole.FAR and not _has_far_views(environments):
        # However many views there are, none of them would be one.
        such = " and ".join(sources_with_far_views())
        advice = f"ask for none, only {such} have views from around the area"
    _refuse_too_few(environment, len(views), count, f" as {role.name}", advice)
    return views


def _has_far_views(environments: EnvironmentSet) -> bool:
    return environments.roles is not None and bool((environments.roles & ViewRole.FAR).any())


_MORE_VIEWS = "ask for fewer, or for more views of each place (--views, if it is rendered)"


def _refuse_too_few(
    environment: int, found: int, wanted: int, what: str, advice: str = _MORE_VIEWS
) -> None:
    if found < wanted:
        raise DataError(
            f"an episode wants {wanted} different views{what}, environment {environment} has "
            f"{found}: {advice}"
        )


def _poses(environments: EnvironmentSet, views: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.from_numpy(environments.poses_map_camera[views]).float().to(device)
