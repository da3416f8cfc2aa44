"""What the record of weights says of their training, and whether that is what a subject means."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmn_core.errors import CheckpointError
from dmn_core.evaluation.command_words import given
from dmn_core.evaluation.data_kinds import kind_of
from dmn_core.evaluation.subjects import PAPER_CONTEXTS, Subject
from dmn_core.systems import SYSTEMS, network_of


@dataclass(frozen=True)
class TrainedAs:
    """What weights were trained with; None where their record does not say it.

    Attributes:
        data: name of the source.
        objective: by name.
        contexts: the least and the most N. far_contexts: how many from around the area besides.
        environments: how many places were asked for; 0 for all that the source has.
        places: how many there were.
        particles: K.
        recipe: by name.
        optimizer: by name. learning_rate: at most. batch: places a step.
        attention_weight: of the loss on attention scores alone; 0 where there is none.
        attention: what scores of views become, softmax or scalar_product; None for systems that
            attend to none, too.
    """

    data: str | None = None
    objective: str | None = None
    contexts: tuple[int, int] | None = None
    far_contexts: int | None = None
    environments: int | None = None
    places: int | None = None
    particles: int | None = None
    recipe: str | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    batch: int | None = None
    attention_weight: float | None = None
    attention: str | None = None

    @classmethod
    def of(cls, record: dict[str, Any]) -> TrainedAs:
        """What a training record says."""
        said = record.get("configuration", {})
        least = record.get("contexts")
        return cls(
            data=record.get("data"),
            objective=record.get("objective"),
            contexts=None if least is None else (least, max(least, said.get("contexts_max", 0))),
            far_contexts=said.get("far_contexts"),
            environments=said.get("environments"),
            places=record.get("training_places") or said.get("environments") or None,
            particles=said.get("objective", {}).get("particles"),
            recipe=_recipe(record.get("command", "")),
            optimizer=said.get("optimizer"),
            learning_rate=said.get("learning_rate"),
            batch=said.get("batch"),
            attention_weight=said.get("objective", {}).get("attention_weight"),
            attention=said.get("attention") if _attends(said.get("system", "")) else None,
        )

    @property
    def contexts_in_words(self) -> str:
        """N, or from which to which."""
        if self.contexts is None:
            return "unknown"
        least, most = self.contexts
        return f"{least}" if least == most else f"{least} to {most}"

    @property
    def particles_in_words(self) -> str:
        """K."""
        return "unknown" if self.particles is None else f"{self.particles}"


def refuse_other_training(
    subject: Subject, data: str, record: dict[str, Any], path: Path, *, places: int | None = None
) -> list[str]:
    """Refuse weights that were trained otherwise than their name says; what is not known is told.

    Args:
        subject: what they serve as.
        data: name of the source that they are evaluated in.
        record: of their training.
        path: of the file.
        places: in how many they are taken to have been trained; None for any number.

    Returns:
        Notes, in words, on what the record does not say.

    Raises:
        CheckpointError: they were trained on another kind of data, for another objective, or with
            another N or number of places.
    """
    trained = TrainedAs.of(record)
    meant = dict(_meant(subject))
    found = {name: getattr(trained, name) for name in (*meant, "places")}
    other = {k: v for k, v in meant.items() if found[k] is not None and found[k] != v}
    if trained.data is not None and kind_of(trained.data) != kind_of(data):
        other["data"], found["data"] = data, trained.data
    if not subject.classification and trained.objective == "classification":
        other["objective"], found["objective"] = "that localizes", trained.objective
    if places is not None and trained.places not in (None, places):
        other["places"] = places
    if other:
        parts = "; ".join(f"{name} {want!r}, got {found[name]!r}" for name, want in other.items())
        raise CheckpointError(
            f"{str(path)!r} wants to hold weights of {subject.name!r} that were trained with "
            f"{parts}: put the right weights there"
            + (_ELSEWHERE if "places" in other and not subject.environments else "")
        )
    unknown = [name for name in meant if found[name] is None]
    if not unknown:
        return []
    return [
        f"{data}, {subject.name}: the weights do not say with which {', '.join(unknown)} they were "
        "trained; taken as their name says"
    ]


_ELSEWHERE = ", or say with --curves.all-training-environments where whole trainings stand"


def _attends(system: str) -> bool:
    """Whether a system, by name, attends to views."""
    return system in SYSTEMS and network_of(system).attends_to_views


def _recipe(command: str) -> str | None:
    """The recipe that a command line of `dmn train` takes; None if it is none."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[1:2] != ["train"]:
        return None
    usual = "default" if given("bag", words) is None else None
    return given("recipe", words) or usual


def _meant(subject: Subject) -> Iterator[tuple[str, object]]:
    """What of a training the name of a subject says."""
    if subject.classification:
        yield "objective", "classification"
        yield "contexts", (0, 0)
        yield "far_contexts", subject.contexts
    elif subject.contexts != PAPER_CONTEXTS:
        yield "contexts", (subject.contexts, subject.contexts)
    if subject.environments:
        yield "environments", subject.environments
