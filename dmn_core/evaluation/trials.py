"""Trials: what a robot is shown and what it may believe before; each a function of its number.

Neither how many trials share a pass nor where a run was broken off changes a trial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from dmn_core.data.batching import episodes_of
from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.data.sources import SOURCES, DataConfig
from dmn_core.errors import DataError
from dmn_core.particle_filter import Belief, uniform_belief
from dmn_core.particle_filter.initial_belief import tracking_belief

# `global`: anywhere in the area. `tracking`: around the truth. `contexts`: one particle at each
# viewpoint of the map, for Table V.
Start = Literal["global", "tracking", "contexts"]
# What is told of a belief: the paper's weighted mean, the place that most of it is near, or, for
# Table V, the heaviest particle.
Estimate = Literal["mean", "likeliest", "heaviest"]
_STARTS: tuple[Start, ...] = ("global", "tracking", "contexts")
_IMAGES_IN_FINGERPRINT = 4
# Of which place the map is: of the trial's own, or of the next trial's.
MapFrom = Literal["own", "another"]


@dataclass(frozen=True)
class TrialPlan:
    """What every trial shows.

    Attributes:
        contexts: N, views in the map.
        far_contexts: views from around the area that the map holds besides.
        steps: T, query images.
        seed: of all trials.
        map_from: `another` gives each trial the map of another place. What is found all the same is
            what an algorithm knows about such places without a map: where cameras can be.
    """

    contexts: int = 4
    far_contexts: int = 0
    steps: int = 5
    seed: int = 0
    map_from: MapFrom = "own"


@dataclass(frozen=True)
class Task:
    """What is believed at the start of every trial, with how many particles (K), and told of it."""

    start: Start
    particles: int
    estimate: Estimate = "mean"


def draw_trials(
    environments: EnvironmentSet,
    plan: TrialPlan,
    numbers: Sequence[int],
    *,
    page: Sequence[TrialPlan] = (),
    device: torch.device | str = "cpu",
) -> Episodes:
    """Trials of these numbers as one batch, each in the place that `places_of_trials` says.

    Raises:
        DataError: maps are to be of another place, and there is only one.
    """
    places = places_of_trials(environments, plan, numbers, page=page)
    parts = [
        _drawn(environments, plan, number, place, device)
        for number, place in zip(numbers, places, strict=True)
    ]
    shown = parts
    if plan.map_from == "another":
        following = [number + 1 for number in numbers]
        others = places_of_trials(environments, plan, following, page=page)
        if (others == places).any():
            raise DataError(
                "maps of another place want two places with views enough, got one: give more "
                "--environments, or --map-from own"
            )
        shown = [
            _drawn(environments, plan, number, place, device)
            for number, place in zip(following, others, strict=True)
        ]
    return Episodes(
        context_images=torch.cat([part.context_images for part in shown]),
        context_poses=torch.cat([part.context_poses for part in shown]),
        query_images=torch.cat([part.query_images for part in parts]),
        query_poses=torch.cat([part.query_poses for part in parts]),
        area_m=environments.area_m,
    )


def _drawn(
    environments: EnvironmentSet,
    plan: TrialPlan,
    number: int,
    place: int,
    device: torch.device | str,
) -> Episodes:
    return episodes_of(
        environments,
        np.array([place]),
        contexts=plan.contexts,
        queries=plan.steps,
        rng=np.random.default_rng((plan.seed, number)),
        far_contexts=plan.far_contexts,
        device=device,
    )


def places_of_trials(
    environments: EnvironmentSet,
    plan: TrialPlan,
    numbers: Sequence[int],
    *,
    page: Sequence[TrialPlan] = (),
) -> np.ndarray:
    """Numbers (M,) of the environments of trials: another for each while there are enough.

    As in training, environments with fewer views than a trial needs are passed over; where none
    has enough, the first says what it lacks.

    Args:
        environments: to choose from.
        plan: what the trials show.
        numbers: of the trials.
        page: all plans that are compared, so that all of them are asked in the same places.
    """
    able = np.flatnonzero(_able(environments, plan))
    together = places_of_page(environments, page)
    if len(together) and np.isin(together, able).all():
        able = together
    able = able if len(able) else np.zeros(1, dtype=np.int64)
    return able[np.asarray(numbers, dtype=np.int64) % len(able)]


def places_of_page(environments: EnvironmentSet, page: Sequence[TrialPlan]) -> np.ndarray:
    """Numbers (E',) of the environments with enough views for every plan; none without plans.

    A plan that would leave no place, such as one for which none has enough, is left out.
    """
    together = np.full(len(environments), len(page) > 0)
    # The least first: what most plans can share is not given up for the greatest.
    for plan in sorted(page, key=_wanted_views):
        both = together & _able(environments, plan)
        together = both if both.any() else together
    return np.flatnonzero(together)


def _able(environments: EnvironmentSet, plan: TrialPlan) -> np.ndarray:
    """Which (E,) environments have enough views for a trial."""
    able = np.zeros(len(environments), dtype=bool)
    able[
        environments.with_views(
            contexts=plan.contexts, queries=plan.steps, far_contexts=plan.far_contexts
        )
    ] = True
    return able


def _wanted_views(plan: TrialPlan) -> tuple[int, int, int]:
    """How many views a trial wants; of the area and from around it, of the area, as contexts."""
    inside = plan.contexts + plan.steps
    return inside + plan.far_contexts, inside, plan.contexts


def with_a_place_each(data: DataConfig, trials: int, plans: Iterable[TrialPlan] = ()) -> DataConfig:
    """The data with as many places as trials, where worlds are rendered one by one and none said.

    Each place has as many views as the plans want, where none are said, but never fewer than usual:
    what was rendered for other evaluations serves as long as it can. Of other sources
    `load_environments` is told how many places are looked at.

    Trials that share a place resemble each other, and say less about places that were never seen.
    """
    source = SOURCES[data.data]
    if not source.one_by_one:
        return data
    wanted = max((plan.contexts + plan.steps for plan in plans), default=0)
    views = wanted if wanted > source.views else 0
    return replace(data, environments=data.environments or trials, views=data.views or views)


def first_beliefs(episodes: Episodes, task: Task, *, seed: int, numbers: Sequence[int]) -> Belief:
    """What is believed before the first image; drawn on the CPU, whatever the device."""
    device = episodes.context_poses.device
    if task.start == "contexts":
        return Belief.equally_weighted(episodes.context_poses)
    parts = [_first_belief(episodes, row, task, seed, n) for row, n in enumerate(numbers)]
    return Belief.equally_weighted(torch.cat(parts).to(device))


def _first_belief(episodes: Episodes, row: int, task: Task, seed: int, number: int) -> torch.Tensor:
    words = np.random.SeedSequence((seed, number, _STARTS.index(task.start)))
    generator = torch.Generator().manual_seed(int(words.generate_state(1, np.uint32)[0]))
    if task.start == "tracking":
        truth = episodes.query_poses[row : row + 1, 0].cpu()
        belief = tracking_belief(truth, particles=task.particles, generator=generator)
    else:
        belief = uniform_belief(
            episodes.area_m, batch=1, particles=task.particles, generator=generator
        )
    return belief.poses_map_base


def place_fingerprint(environments: EnvironmentSet, number: int) -> str:
    """Identifies a place by its poses, roles and a few of its images; 16 hex digits."""
    shape = tuple(environments.images.shape[1:])
    digest = hashlib.sha256(repr((environments.area_m, shape)).encode())
    first, last = environments.first_view[number : number + 2]
    views = np.arange(first, last)
    shown = views[:: max(1, len(views) // _IMAGES_IN_FINGERPRINT)]
    parts = [environments.poses_map_camera[views], environments.images_of(shown).cpu().numpy()]
    if environments.roles is not None:
        parts.append(environments.roles[views])
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]
