"""The paper's figures 7 to 11: success against something, by default in Mazes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmn_core.checkpoint import read_record
from dmn_core.data.sources import SOURCES
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation import paper
from dmn_core.evaluation.curves import Curve, Curves, CurvesConfig, Mark
from dmn_core.evaluation.data_kinds import KIND_TITLES, DataKind
from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.quantities import Quantity
from dmn_core.evaluation.subjects import PAPER_CONTEXTS, Subject
from dmn_core.evaluation.trained_as import TrainedAs
from dmn_core.systems import SYSTEMS


def curves(
    number: int, config: EvaluationConfig, shape: CurvesConfig, *, kind: DataKind = "mazes"
) -> Curves:
    """Figure `number`, 7 to 11, of the paper, with the points of `shape`."""
    return _FIGURES[number](_Setting(config, shape, kind))


def as_trained(wanted: Curves, weights: Iterable[UsedWeights]) -> Curves:
    """The figure, its title with what its weights were trained with, if it is about that."""
    if not wanted.trained_with:
        return wanted
    told: dict[str, list[str]] = {}
    for used in weights:
        trained = TrainedAs.of(used.training)
        with_n = wanted.trained_with == "N"
        words = trained.contexts_in_words if with_n else trained.particles_in_words
        told.setdefault(words, []).append(used.subject)
    # Names only where trainings differ.
    parts = told if len(told) == 1 else [f"{k} ({', '.join(names)})" for k, names in told.items()]
    title = f"{wanted.title}, trained with {wanted.trained_with} = {', '.join(parts) or 'unknown'}"
    return replace(wanted, title=title)


def with_all_training_places(
    shape: CurvesConfig, data: str, weights: Sequence[Path]
) -> CurvesConfig:
    """The points of the curves with the number of places of a whole training, if that is known.

    It is what was asked for, else what the first weights say that do, else what `data` has.
    """
    if shape.all_training_environments:
        return shape
    said = (TrainedAs.of(read_record(path)).places for path in weights)
    known = next((places for places in said if places), SOURCES[data].training_places)
    return replace(shape, all_training_environments=known)


@dataclass(frozen=True)
class _Setting:
    config: EvaluationConfig
    shape: CurvesConfig
    kind: DataKind

    @property
    def where(self) -> str:
        return KIND_TITLES[self.kind]

    def success(self, subject: Subject, **changes: int) -> tuple[Quantity, ...]:
        """Sequential and one-step global localization, with changes of the protocol."""
        config = replace(self.config, **changes)  # type: ignore[arg-type]
        plan, task = config.plan, config.global_task
        times = (config.steps, 1)
        return tuple(Quantity(subject, self.kind, plan, task, "success", t) for t in times)

    def over(
        self, xs: Sequence[int], quantities: Callable[[str, int], tuple[Quantity, ...]]
    ) -> tuple[Curve, ...]:
        """Curves over x of every system, one for each quantity."""
        found = []
        for name in self.shape.systems or ("dmn",):
            for column in zip(*(quantities(name, x) for x in xs), strict=True):
                title = f"{SYSTEMS[name].title}, t = {column[0].t}"
                found.append(Curve(title, tuple(zip(xs, column, strict=True))))
        return tuple(found)

    def printed(self, x: int) -> tuple[Mark, ...]:
        """What Tables I and II print for the DMN, at the x that these tables have."""
        figures = paper.MAIN["dmn"][self.kind]
        return (
            Mark("paper, DMN, t = 5", x, figures.sequential_global_percent),
            Mark("paper, DMN, t = 1", x, figures.one_step_global_percent),
        )


def _figure_7(given: _Setting) -> Curves:
    everything = given.shape.all_training_environments
    if everything < 1:
        raise ConfigurationError(
            "figure 7 wants to know in how many places the weights of the tables were trained, "
            "neither they nor the source say it: give --curves.all-training-environments"
        )
    counts = [n for n in sorted(given.shape.training_environments) if n < everything]
    counts.append(everything)

    def quantities(name: str, count: int) -> tuple[Quantity, ...]:
        return given.success(Subject(name, environments=0 if count == everything else count))

    return Curves(
        7,
        f"Success against the amount of training data, {given.where}",
        "training environments",
        given.over(counts, quantities),
        given.printed(everything),
        note="The amounts are ours. The Mazes that the paper trains in are 960, of 300 images.",
        x_is_training=True,
    )


def _figure_8(given: _Setting) -> Curves:
    def quantities(name: str, contexts: int) -> tuple[Quantity, ...]:
        return given.success(Subject(name, contexts=contexts), contexts=contexts)

    return Curves(
        8,
        f"Success against N, trained and tested alike, {given.where}",
        "contexts N",
        given.over(given.shape.contexts, quantities),
        given.printed(PAPER_CONTEXTS),
    )


def _figure_9(given: _Setting) -> Curves:
    return Curves(
        9,
        f"Success against N, {given.where}",
        "contexts N",
        given.over(given.shape.contexts, lambda name, n: given.success(Subject(name), contexts=n)),
        given.printed(PAPER_CONTEXTS),
        note=f"The paper trains with N = {PAPER_CONTEXTS}.",
        trained_with="N",
    )


def _figure_10(given: _Setting) -> Curves:
    last = given.shape.trajectory
    plan, task = replace(given.config.plan, steps=last), given.config.global_task

    def curve(name: str) -> Curve:
        at = (
            (t, Quantity(Subject(name), given.kind, plan, task, "success", t))
            for t in range(1, last + 1)
        )
        return Curve(SYSTEMS[name].title, tuple(at))

    names = given.shape.systems or ("dmn", "view-embedding-regression")
    levels = (Mark(f"paper: {k}", None, v) for k, v in paper.LONG_TRAJECTORIES_PERCENT.items())
    return Curves(
        10,
        f"Success along a trajectory, {given.where}",
        "images t",
        tuple(curve(name) for name in names),
        (*levels, given.printed(5)[0]),
        logarithmic=False,
    )


def _figure_11(given: _Setting) -> Curves:
    return Curves(
        11,
        f"Success against K, {given.where}",
        "particles K",
        given.over(
            given.shape.particles,
            lambda name, k: given.success(Subject(name), particles_global=k),
        ),
        given.printed(2048),
        note="The paper trains with K = 32.",
        trained_with="K",
    )


_FIGURES: dict[int, Callable[[_Setting], Curves]] = {
    7: _figure_7,
    8: _figure_8,
    9: _figure_9,
    10: _figure_10,
    11: _figure_11,
}
