"""The trainings that a table or a figure of the paper compares, as one command each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dmn_core.cli.evaluate_paper import TableSources, kind_of_curves
from dmn_core.config import changed, part_of
from dmn_core.data.sources import DataConfig, ImageSize
from dmn_core.evaluation.data_kinds import DataKind
from dmn_core.evaluation.paper_curves import curves, with_all_training_places
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.tables import table
from dmn_core.training.recipes import RECIPES, counts_for

if TYPE_CHECKING:
    from dmn_core.cli.train import TrainCommand


@dataclass(frozen=True)
class TrainingSources(TableSources):
    """Data of each kind, and the size of its images."""

    streets_image_size: ImageSize = (0, 0)
    """Height and width of images for Street View; 0 0 for --image-size. A CPU can learn from
    28 56."""

    def image_size(self, kind: DataKind, usual: ImageSize) -> ImageSize:
        """Height and width for a kind, `usual` if nothing is said of it."""
        said = kind == "streets" and any(self.streets_image_size)
        return self.streets_image_size if said else usual


def compared_trainings(command: TrainCommand) -> list[TrainCommand]:
    """A command for each of the weights that `command.table` or `command.figure` wants.

    They are alike in all that these do not decide. Their folders, below that of `command`, are
    those where `dmn evaluate --table` and `--figure` look for them. Those with the largest maps
    come first: where places have too few views for one, that is said before hours are spent.
    """
    wanted = dict.fromkeys(_of_table(command) if command.table else _of_figure(command))
    found = [_of_subject(command, *each) for each in wanted if not each[0].is_baseline]
    return sorted(found, key=lambda each: -max(each.contexts, each.contexts_max))


def _of_table(command: TrainCommand) -> Iterator[tuple[Subject, DataConfig, ImageSize]]:
    assert command.table is not None
    for quantity in table(command.table, EvaluationConfig()).quantities():
        size = command.sources.image_size(quantity.kind, command.image_size)
        like = _with_counts_of(quantity.kind, command)
        yield quantity.subject, command.sources.of(quantity.kind, like), size


def _with_counts_of(kind: DataKind, command: TrainCommand) -> TrainCommand:
    """The command with the numbers that its recipe says for this data, where none were given."""
    counts = counts_for(getattr(command.sources, kind), RECIPES[command.recipe])
    return changed(command, {name: counts[name] for name in command.of_recipe})


def _of_figure(command: TrainCommand) -> Iterator[tuple[Subject, DataConfig, ImageSize]]:
    assert command.figure is not None
    data = part_of(DataConfig, command)
    shape = replace(command.curves, all_training_environments=command.environments)
    shape = with_all_training_places(shape, data.data, [])
    figure = curves(command.figure, EvaluationConfig(), shape, kind=kind_of_curves(data))
    for quantity in figure.quantities():
        yield quantity.subject, data, command.image_size


def _of_subject(
    command: TrainCommand, subject: Subject, data: DataConfig, image_size: ImageSize
) -> TrainCommand:
    alone = replace(
        command,
        table=None,
        figure=None,
        data=data.data,
        root=data.root,
        environments=data.environments,
        views=data.views,
        image_size=image_size,
        out=command.folder / data.data / subject.name,
    )
    return changed(alone, subject.training_options)
