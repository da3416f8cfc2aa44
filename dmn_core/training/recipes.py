"""Ways to train, by name, and what a system, and data, can follow of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dmn_core.data.bag_environments import LEAST_QUERIES
from dmn_core.data.gqn.published import FORMATS, PUBLISHED
from dmn_core.systems import SYSTEMS
from dmn_core.training.augmentation import AugmentationConfig
from dmn_core.training.config import TrainingConfig
from dmn_core.training.objectives import TRAIN_ATTENTION, ObjectiveConfig

RecipeName = Literal[
    "default", "fine-tuning", "shipped", "shipped-sequences", "paper", "paper-street-view"
]

DEFAULT = TrainingConfig(
    batch=8,
    queries=8,
    objective=ObjectiveConfig(
        particles=8, attention_weight=1.0, attention_particles=16, compared_queries=4
    ),
)
# For weights that know much already, and a few recordings.
FINE_TUNING = replace(DEFAULT, learning_rate=2e-4, warmup_steps=100, validate_every_steps=200)
# What shall also work on images that others rendered, or took.
SHIPPED = replace(
    DEFAULT,
    data="mazes-varied",
    # With 2000 mazes the likelihood loss was 1.46 in training and 1.57 on unseen ones in the end,
    # the record of docs/results/2026-11-23-mazes.json says: more mazes may narrow that.
    environments=20_000,
    views=40,
    contexts=3,
    contexts_max=6,
    # docs/decisions/0020-muon.md; at 1.5e-3 it diverged.
    optimizer="muon",
    learning_rate=7e-4,
    schedule="trapezoid",
    cooldown=0.15,
    weight_average=0.999,
    augmentation=AugmentationConfig(colour=0.1, noise=6.0, blur=0.3, overlay=0.25),
)
# What follows it: images of a drive are weighed one after the other, and their product has to be
# right (docs/decisions/0017-sequences.md).
SHIPPED_SEQUENCES = replace(
    SHIPPED,
    objective=replace(
        SHIPPED.objective, name="sequence", compared_queries=5, uniform_fraction=0.45
    ),
)

_PAPER = {
    "objective": ObjectiveConfig(name="tracking", particles=32),
    "contexts": 4,
    # The paper does not say how many samples a step has.
    "batch": 16,
    "queries": 1,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warmup_steps": 0,
    "gradient_clip": 0.0,
    "weight_average": 0.0,
    "validation_samples": 1000,
    "validate_every_steps": 20_000,
    "patience_steps": 100_000,
}
PAPER = TrainingConfig(**_PAPER)  # type: ignore[arg-type]
PAPER_STREET_VIEW = TrainingConfig(**_PAPER, weight_decay=1e-4)  # type: ignore[arg-type]

# `default` is what learned most for its time, `shipped` how the weights in models/ were trained:
# docs/decisions/0014-training-recipe.md. The paper takes the best of several learning rates,
# `--learning-rate-grid`; source: section V-A.
RECIPES: dict[str, TrainingConfig] = {
    "default": DEFAULT,
    "fine-tuning": FINE_TUNING,
    "shipped": SHIPPED,
    "shipped-sequences": SHIPPED_SEQUENCES,
    "paper": PAPER,
    "paper-street-view": PAPER_STREET_VIEW,
}


def fitted_to_system(config: TrainingConfig) -> TrainingConfig:
    """The configuration as far as its system can be trained so, and on its data.

    Systems that regress have one objective, and only attention to views can be trained apart.
    Without it, queries that would not be compared are not drawn: steps are alike for all systems.
    """
    objective = config.objective
    if SYSTEMS[config.system].objective == "regression":
        objective = replace(objective, name="regression")
    if not config.network.attends_to_views or objective.name not in TRAIN_ATTENTION:
        objective = replace(objective, attention_weight=0.0)
    queries = config.queries
    if objective.attention_weight == 0 and objective.compared_queries:
        queries = min(queries, objective.compared_queries)
        objective = replace(objective, compared_queries=0)
    return _fitted_to_views(replace(config, objective=objective, queries=queries))


def _fitted_to_views(config: TrainingConfig) -> TrainingConfig:
    """No more queries an episode than the least of the data's places may have views for."""
    queries, published = config.queries, PUBLISHED.get(config.data)
    if config.data == "bags":
        queries = min(queries, LEAST_QUERIES)
    elif published:
        frames, _ = FORMATS[published.folder]
        views = min(config.views or frames, frames)
        queries = min(queries, max(1, views - max(config.contexts, config.contexts_max)))
    return replace(config, queries=queries)
