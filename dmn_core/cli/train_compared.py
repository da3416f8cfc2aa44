"""The trainings that a table or a figure of the paper compares, as one command each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dmn_core.cli.evaluate_paper import kind_of_curves
from dmn_core.config import changed, part_of
from dmn_core.data.sources import DataConfig
from dmn_core.evaluation.paper_curves import curves, with_all_training_places
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.tables import table

if TYPE_CHECKING:
    from dmn_core.cli.train import TrainCommand


def compared_trainings(command: TrainCommand) -> list[TrainCommand]:
    """A command for each of the weights that `command.table` or `command.figure` wants.

    They are alike in all that these do not decide. Their folders, below `command.out`, are those
    where `dmn evaluate --table` and `--figure` look for them.
    """
    wanted = dict.fromkeys(_of_table(command) if command.table else _of_figure(command))
    return [_of_subject(command, *each) for each in wanted if not each[0].is_baseline]


def _of_table(command: TrainCommand) -> Iterator[tuple[Subject, DataConfig]]:
    assert command.table is not None
    for quantity in table(command.table, EvaluationConfig()).quantities():
        yield quantity.subject, command.sources.of(quantity.kind, command)


def _of_figure(command: TrainCommand) -> Iterator[tuple[Subject, DataConfig]]:
    assert command.figure is not None
    data = part_of(DataConfig, command)
    shape = replace(command.curves, all_training_environments=command.environments)
    shape = with_all_training_places(shape, data.data, [])
    figure = curves(command.figure, EvaluationConfig(), shape, kind=kind_of_curves(data))
    for quantity in figure.quantities():
        yield quantity.subject, data


def _of_subject(command: TrainCommand, subject: Subject, data: DataConfig) -> TrainCommand:
    alone = replace(
        command,
        table=None,
        figure=None,
        data=data.data,
        root=data.root,
        out=command.out / data.data / subject.name,
    )
    return changed(alone, subject.training_options)
