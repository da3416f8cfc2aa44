"""Numbers over something, with what the paper prints: what its figures 7 to 11 are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.quantities import Quantity
from dmn_core.evaluation.subjects import Subject
from dmn_core.systems import SYSTEMS


@dataclass(frozen=True)
class CurvesConfig:
    """Where the curves of figures 7 to 11 have their points, and of what.

    Attributes:
        systems: with a curve; none for those of the paper.
        training_environments: numbers of places that figure 7 compares.
        all_training_environments: how many the weights of the tables were trained in; 0 for what
            these weights, or else the source, say.
        contexts: N of figures 8 and 9.
        trajectory: t up to which figure 10 goes.
        particles: K of figure 11.
    """

    systems: tuple[str, ...] = ()
    training_environments: tuple[int, ...] = (50, 100, 200, 500)
    all_training_environments: int = 0
    contexts: tuple[int, ...] = (1, 2, 4, 8, 16)
    trajectory: int = 20
    particles: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048)

    def __post_init__(self) -> None:
        """Refuse systems that there are not, and counts below one."""
        unknown = [name for name in self.systems if name not in SYSTEMS]
        if unknown:
            raise ConfigurationError(f"systems want to be of {sorted(SYSTEMS)!r}, got {unknown!r}")
        counts = (*self.training_environments, *self.contexts, *self.particles, self.trajectory)
        if min(counts) < 1:
            raise ConfigurationError(f"points of curves want counts of at least 1, got {counts!r}")


@dataclass(frozen=True)
class Curve:
    """Numbers over x."""

    title: str
    points: tuple[tuple[int, Quantity], ...]


@dataclass(frozen=True)
class Mark:
    """What the paper prints: at a place of the figure, or a level along it (x is None)."""

    title: str
    x: int | None
    value: float


@dataclass(frozen=True)
class Curves:
    """A figure of the paper.

    Attributes:
        number: in the paper, 7 to 11.
        title: what it shows.
        x_label: of its abscissa.
        curves: what was measured.
        marks: what the paper prints.
        logarithmic: whether x doubles rather than grows.
        note: how it is to be read.
        trained_with: what of the training of its weights belongs into the title: N or K.
        x_is_training: whether x is the number of places that weights were trained in.
    """

    number: int
    title: str
    x_label: str
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...] = ()
    logarithmic: bool = True
    note: str = ""
    trained_with: Literal["", "N", "K"] = ""
    x_is_training: bool = False

    @property
    def name(self) -> str:
        """Of its files."""
        return f"figure_{self.number:02d}"

    @property
    def training_places(self) -> dict[Subject, int]:
        """In how many places the weights of subjects have to have been trained."""
        points = (point for curve in self.curves for point in curve.points)
        return {quantity.subject: x for x, quantity in points} if self.x_is_training else {}

    def quantities(self) -> Iterator[Quantity]:
        """Everything to be measured."""
        yield from (quantity for curve in self.curves for _, quantity in curve.points)
