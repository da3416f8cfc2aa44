"""Ways to train, by name, and what a system, and data, can follow of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dmn_core.data.bag_environments import LEAST_QUERIES
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import SOURCES, sources_with_far_views
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.data_kinds import kind_of
from dmn_core.systems import SYSTEMS
from dmn_core.training.augmentation import AugmentationConfig
from dmn_core.training.config import DECAY_OF_THE_PAPER, TrainingConfig
from dmn_core.training.objectives import TRAIN_ATTENTION, ObjectiveConfig

RecipeName = Literal["default", "fine-tuning", "shipped", "shipped-sequences", "paper"]
# Numbers of a recipe that are about its own kind of data.
COUNTS = ("environments", "views")

DEFAULT = TrainingConfig(
    batch=8,
    queries=8,
    # Twenty validations: a single one, of 512 samples, says little.
    patience_steps=20_000,
    objective=ObjectiveConfig(
        particles=8, attention_weight=1.0, attention_particles=16, compared_queries=4
    ),
)
# For weights that know much already, and a few recordings.
FINE_TUNING = replace(
    DEFAULT,
    learning_rate=2e-4,
    warmup_steps=100,
    validate_every_steps=200,
    patience_steps=4000,
)
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

PAPER = TrainingConfig(
    objective=ObjectiveConfig(name="tracking", particles=32),
    contexts=4,
    # The paper does not say how many samples a step has.
    batch=16,
    queries=1,
    learning_rate=1e-3,
    weight_decay=DECAY_OF_THE_PAPER,
    schedule="constant",
    warmup_steps=0,
    gradient_clip=0.0,
    weight_average=0.0,
    validation_samples=1000,
    validate_every_steps=20_000,
    patience_steps=100_000,
)
STREET_VIEW_DECAY = 1e-4

# `default` is what learned most for its time, `shipped` how the weights in models/ were trained:
# docs/decisions/0014-training-recipe.md. The paper takes the best of several learning rates,
# `--learning-rate-grid`; source: section V-A.
RECIPES: dict[str, TrainingConfig] = {
    "default": DEFAULT,
    "fine-tuning": FINE_TUNING,
    "shipped": SHIPPED,
    "shipped-sequences": SHIPPED_SEQUENCES,
    "paper": PAPER,
}


def counts_for(data: str, recipe: TrainingConfig) -> dict[str, int]:
    """How many places and views a recipe says for some data; 0 leaves it to the source.

    Streets are not as cheap as mazes, and what was published or recorded has what it has.
    """
    own = kind_of(data) == kind_of(recipe.data) and not SOURCES[data].needs
    return {name: getattr(recipe, name) if own else 0 for name in COUNTS}


def refuse_far_contexts(config: TrainingConfig) -> None:
    """Refuse contexts from around the area where the data has none, before it is made.

    Raises:
        ConfigurationError: it has none; the message says which data has.
    """
    if config.far_contexts and not SOURCES[config.data].far_views:
        raise ConfigurationError(
            f"far_contexts {config.far_contexts} want views from around the area, as only "
            f"{' and '.join(sources_with_far_views())} have, got data {config.data!r}: give such "
            "data, or leave --far-contexts out"
        )


def fitted_to_system(config: TrainingConfig) -> TrainingConfig:
    """The configuration as far as its system can be trained so, and on its data.

    Systems that regress have one objective, and only attention to views can be trained apart.
    Without it, queries that would not be compared are not drawn: steps are alike for all systems.

    Raises:
        ConfigurationError: places of the data never have views enough for N contexts and a query.
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
    decay = config.weight_decay
    if decay == DECAY_OF_THE_PAPER:
        decay = STREET_VIEW_DECAY if kind_of(config.data) == "streets" else 0.0
    fitted = replace(config, objective=objective, queries=queries, weight_decay=decay)
    return _fitted_to_views(fitted)


def fitted_to_places(config: TrainingConfig, *sets: EnvironmentSet) -> TrainingConfig:
    """The configuration with as many queries an episode as some place of each set has views for.

    For data whose places differ in views. Where not even one query is left, nothing changes, and
    drawing an episode says what is lacking.
    """
    contexts = max(config.contexts, config.contexts_max)
    for queries in range(config.queries, 0, -1):
        able = (
            places.with_views(contexts=contexts, queries=queries, far_contexts=config.far_contexts)
            for places in sets
        )
        if all(len(found) for found in able):
            return replace(config, queries=queries)
    return config


def _fitted_to_views(config: TrainingConfig) -> TrainingConfig:
    """No more queries an episode than the least of the data's places may have views for."""
    source = SOURCES[config.data]
    if config.data == "bags":
        return replace(config, queries=min(config.queries, LEAST_QUERIES))
    if not source.views:
        return config
    views = config.views or source.views
    if source.needs:  # what was published has no more
        views = min(views, source.views)
    contexts = max(config.contexts, config.contexts_max)
    if views <= contexts:
        raise ConfigurationError(
            f"places of {config.data!r} want more views than the {contexts} contexts of an "
            f"episode, they have {views}: give fewer contexts (--contexts, in figures "
            "--curves.contexts)" + ("" if source.needs else ", or more --views")
        )
    return replace(config, queries=min(config.queries, views - contexts))
