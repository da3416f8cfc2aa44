"""The trainings that a table of the paper compares, as one command each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from dmn_core.data.sources import DataConfig
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.tables import table
from dmn_core.systems import SystemName

if TYPE_CHECKING:
    from dmn_core.cli.train import TrainCommand


def trainings_of_table(command: TrainCommand) -> list[TrainCommand]:
    """A command for each of the weights of `command.table`, alike in all that they do not decide.

    Their folders, below `command.out`, are those where `dmn evaluate --table` looks for them.
    """
    assert command.table is not None
    wanted = dict.fromkeys(
        (quantity.kind, quantity.subject)
        for quantity in table(command.table, EvaluationConfig()).quantities()
        if not quantity.subject.is_baseline
    )
    return [
        _of_subject(command, subject, command.sources.of(kind, command)) for kind, subject in wanted
    ]


def _of_subject(command: TrainCommand, subject: Subject, data: DataConfig) -> TrainCommand:
    if subject.classification:
        objective = replace(command.objective, name="classification")
        command = replace(
            command, objective=objective, contexts=0, contexts_max=0, far_contexts=subject.contexts
        )
    return replace(
        command,
        table=None,
        data=data.data,
        root=data.root,
        system=cast(SystemName, subject.system),
        out=command.out / data.data / subject.name,
    )
