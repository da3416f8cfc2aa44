"""Options of `dmn train` that train as a run did: for the row that is missing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dmn_core.config import changed, from_dict, to_dict
from dmn_core.errors import DmnError
from dmn_core.evaluation.subjects import TRAINING_STEPS, Subject
from dmn_core.evaluation.trained_as import TrainedAs
from dmn_core.training.config import TrainingConfig
from dmn_core.training.recipes import RECIPES, counts_for, fitted_to_system

# What decides where and how long a call runs, but not what is learned in so many steps.
OF_A_CALL = (
    "minutes", "total_hours", "max_steps", "patience_steps", "micro_batches", "devices",
    "num_nodes", "accelerator", "render_workers", "pictures_every",
)  # fmt: skip


def options_like(subject: Subject, record: Mapping[str, Any]) -> dict[str, object]:
    """The recipe, what was changed of it, and the number of steps, as `part.field`.

    Args:
        subject: what the weights of the run serve as; what makes them that is left out.
        record: of the run.

    Returns:
        Nothing where the record does not say how the run was configured, or not in the words of
        this version.
    """
    try:
        was = from_dict(TrainingConfig, record["configuration"])
        name = TrainedAs.of(dict(record)).recipe or "default"
        where = {"data": was.data, "root": was.root, "bag": was.bag, "topics": was.topics}
        counts = counts_for(was.data, RECIPES[name])
        # Queries are fitted to the views that there were.
        there = {**counts, "views": was.views, **where}
        asked = changed(RECIPES[name], {**there, **subject.training_options})
        usual = fitted_to_system(asked)
    except (KeyError, DmnError):
        return {}
    options: dict[str, object] = {"data": was.data}
    options |= {"root": was.root} if was.root else {}
    options |= {} if name == "default" else {"recipe": name}
    before, now = (dict(_flat(to_dict(config))) for config in (usual, was))
    before |= {"views": counts["views"]}
    options |= {k: v for k, v in now.items() if v != before[k] and k not in OF_A_CALL}
    options |= {"max_steps": was.max_steps or record.get("steps") or TRAINING_STEPS}
    # Steps of as many samples, on however many processes.
    together = record.get("micro_batches", 1)
    return options | ({"micro_batches": together} if together > 1 else {})


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Fields of nested dictionaries, named as in `part.field`."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
