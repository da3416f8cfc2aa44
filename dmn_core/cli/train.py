"""Command `dmn train`: learn from any source of data, resumable and time-boxed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tyro.conf import Suppress

from dmn_core.checkpoint import Checkpoint, load_checkpoint
from dmn_core.cli.evaluate_paper import (
    RECORD_FOLDER,
    CurvesNumber,
    TableNumber,
    refuse_two_pages,
)
from dmn_core.cli.given_options import asks_for_another_network, data_given
from dmn_core.cli.train_compared import TrainingSources, compared_trainings
from dmn_core.config import changed, part_of
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import load_environments
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.evaluation.command_words import given
from dmn_core.evaluation.curves import CurvesConfig
from dmn_core.training.config import TrainingConfig
from dmn_core.training.recipes import (
    COUNTS,
    RECIPES,
    RecipeName,
    counts_for,
    fitted_to_places,
    fitted_to_system,
    refuse_far_contexts,
)
from dmn_core.training.start import refuse_other_network
from dmn_core.weights import find_weights

if TYPE_CHECKING:
    from lightning.fabric import Fabric

FRESH, SHIPPED = "fresh", "shipped"
# Where one of these is said, patience need not end a run, and rows that are compared end alike.
LIMITS = ("minutes", "total-hours", "max-steps")
# Which localizing needs none of.
PACKAGES = ("lightning", "tensorboard")


@dataclass(frozen=True)
class TrainCommand(TrainingConfig):
    """Train a network; the same command again resumes.

    `--recipe paper` trains as the paper does; other options change the recipe. `--out` gets
    configuration, log, TensorBoard curves, the state to resume from, and best.safetensors and
    last.safetensors. Several GPUs: `--devices`; several machines: `torchrun`.
    """

    recipe: RecipeName = "default"
    """What the other options change: the way to train that learned most, or the paper's."""
    out: Path | None = None
    """Folder of the run; if not given runs/<data>, as runs/mazes, or runs/<data>-<system> of
    another system than dmn. With --table or --figure of all its runs, by data and system, and
    runs/record if not given."""
    table: TableNumber | None = None
    """Train everything that this table of the paper compares, one after the other."""
    figure: CurvesNumber | None = None
    """Train everything that this figure of the paper compares, on --data."""
    sources: TrainingSources = field(default_factory=TrainingSources)
    """Where tables have their data from."""
    curves: CurvesConfig = field(default_factory=CurvesConfig)
    """Points of figures 7 to 11."""
    start_from: str = ""
    """Weights to start a new run from: a file, `shipped` or `fresh`. If empty, shipped ones for
    --bag where they are of the network that is asked for, and freshly drawn ones else."""
    learning_rate_grid: tuple[float, ...] = ()
    """Train one run for each of these rates, in subfolders, and record which is best."""
    seeds: tuple[int, ...] = ()
    """Train one run for each of these seeds, in subfolders, and record all."""
    threads: int = 0
    """CPU threads; 0 for all cores."""
    of_recipe: Suppress[tuple[str, ...]] = ()
    """Which numbers of places and views are the recipe's, and not given: no option."""

    def __post_init__(self) -> None:
        """Refuse what a training refuses, and two jobs at once."""
        TrainingConfig.__post_init__(self)
        refuse_two_pages(self.table, self.figure)

    def run(self) -> None:
        """Carry out the command.

        Raises:
            ConfigurationError: the packages to train with are not installed, a run has no end, its
                data no views from around the area that it wants, its folder holds runs of another
                kind, or the machine has not the accelerator.
            CheckpointError: the weights to start from are of another network.
            DivergedError: a run has diverged; the others of its page are done.
        """
        refuse_without_packages()
        # Imported here: localizing needs no training framework.
        from dmn_core.training.divergence import DivergedError
        from dmn_core.training.processes import launch
        from dmn_core.training.sweep import refuse_other_kind

        commands = compared_trainings(self) if self._is_for_a_page else [self]
        # Before data is made, which may take hours.
        for command in commands:
            several = bool(command.learning_rate_grid or command.seeds)
            refuse_other_kind(command.folder, several=several)
        starts = [command._weights_to_start_from() for command in commands]
        fabric = launch(self.config)
        diverged: list[DivergedError] = []
        for command, (start, note) in zip(commands, starts, strict=True):
            if note:
                fabric.print(note)
            try:
                command._train(start, fabric)
            except DivergedError as error:
                # What else a page compares is of use without it.
                fabric.print(f"{command.folder}: {error}")
                diverged.append(error)
        if diverged:
            raise diverged[0]

    @property
    def folder(self) -> Path:
        """Of the run, or of all runs of a table or figure."""
        if self.out is not None:
            return self.out
        usual = self.system == TrainingConfig.system
        name = self.data if usual else f"{self.data}-{self.system}"
        return RECORD_FOLDER if self._is_for_a_page else RECORD_FOLDER.with_name(name)

    @property
    def _is_for_a_page(self) -> bool:
        return self.table is not None or self.figure is not None

    def _train(self, start: Checkpoint | None, fabric: Fabric) -> None:
        """One system, in one run or in several that differ in learning rate or seed."""
        from dmn_core.training.loop import Trainer
        from dmn_core.training.processes import failing_together
        from dmn_core.training.sweep import RECORD_NAME, train_all, variants

        if self.threads:
            torch.set_num_threads(self.threads)
        config = self.config
        # What is not in the cache yet is made by one process of each machine.
        with failing_together(fabric, in_turn=True):
            training, validation = environments_of(config)
        asked, config = config.queries, fitted_to_places(config, training, validation)
        if config.queries < asked:
            fabric.print(
                f"{self.folder}: {config.queries} queries an episode, as no place has views for "
                f"{asked}"
            )

        def train_one(config: TrainingConfig, folder: Path) -> dict[str, Any]:
            trainer = Trainer(
                config,
                training=training,
                validation=validation,
                folder=folder,
                start_from=start,
                fabric=fabric,
            )
            outcome = trainer.run()
            if fabric.is_global_zero:
                print(
                    f"{outcome['samples']} samples in {outcome['hours']} h, "
                    f"{outcome['waiting_share']:.1%} of this call spent on waiting for data; "
                    f"weights in {folder}"
                )
            return outcome

        several = variants(config, learning_rates=self.learning_rate_grid, seeds=self.seeds)
        if not several:
            train_one(config, self.folder)
            return
        record = train_all(several, train_one, folder=self.folder, fabric=fabric)
        if fabric.is_global_zero:
            loss = record["runs"][record["best"]]["best_loss"]
            print(
                f"best of {len(several)} runs: {self.folder / record['best']}, validation loss "
                f"{loss:.4f}; all of them in {self.folder / RECORD_NAME}"
            )

    @property
    def config(self) -> TrainingConfig:
        """The part that decides the run."""
        return fitted_to_system(part_of(TrainingConfig, self))

    def _weights_to_start_from(self) -> tuple[Checkpoint | None, str]:
        """Weights of a new run, None for freshly drawn ones, and what is to be said of that.

        Raises:
            ConfigurationError: the run would not end, or its data has not the views.
            CheckpointError: the weights that were asked for are of another network.
        """
        config = self.config
        config.refuse_wrong_end()
        refuse_far_contexts(config)
        start = self.start_from or (SHIPPED if self.bag else FRESH)
        if start == FRESH:
            return None, ""
        checkpoint = load_checkpoint(find_weights("" if start == SHIPPED else start))
        try:
            refuse_other_network(checkpoint.network, config.network)
        except CheckpointError as error:
            if self.start_from:
                raise CheckpointError(f"{error}, or --start-from {FRESH}") from error
            height, width = config.network.image_height, config.network.image_width
            return None, (
                f"{self.folder}: starts from fresh weights, as none of {self.system!r} with "
                f"{height} x {width} pixels are shipped"
            )
        return checkpoint, ""


def refuse_without_packages() -> None:
    """Refuse to train without the packages that only training wants.

    Raises:
        ConfigurationError: one is not installed; the message says how to install them.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"training wants the packages {' and '.join(PACKAGES)}, not installed: "
            f"{', '.join(missing)}; pip install {' '.join(PACKAGES)}, or with all that published "
            "data wants: pip install 'dmn-localization[train]'"
        )


def environments_of(config: TrainingConfig) -> tuple[EnvironmentSet, EnvironmentSet]:
    """Places to learn from, and others to validate on."""
    network = config.network
    load = partial(
        load_environments,
        image_size=(network.image_height, network.image_width),
        field_of_view_deg=network.field_of_view_deg,
    )
    unseen = replace(config, environments=config.validation_environments)
    return load(config, "train"), load(unseen, "validation", at_most=config.validation_samples)


def recipe_defaults(arguments: Sequence[str]) -> TrainCommand:
    """The command whose options are those of the recipe that is named in the arguments.

    Without a name it is `default`, and `fine-tuning` for bags, unless these start from fresh
    weights: what knows much already wants small steps. The patience of a recipe, other than the
    paper's, is for runs that nothing else ends, and its numbers of places and views are for its own
    kind of data.

    Raises:
        ConfigurationError: there is no such recipe.
    """
    said = given("start-from", arguments)
    from_fresh = said == FRESH or (not said and asks_for_another_network(arguments))
    from_bag = given("bag", arguments) is not None
    usual = "fine-tuning" if from_bag and not from_fresh else "default"
    name = given("recipe", arguments) or usual
    if name not in RECIPES:
        raise ConfigurationError(f"--recipe wants one of {sorted(RECIPES)!r}, got {name!r}")
    recipe = RECIPES[name]
    if name != "paper" and any(given(limit, arguments) is not None for limit in LIMITS):
        recipe = replace(recipe, patience_steps=0)
    recipe = changed(recipe, counts_for(data_given(arguments) or recipe.data, recipe))
    of_recipe = tuple(count for count in COUNTS if given(count, arguments) is None)
    return TrainCommand(**vars(recipe), recipe=name, of_recipe=of_recipe)  # type: ignore[arg-type]
