"""Every parameter of every node refuses what is below, above, of another type, or no number."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.parameter import Parameter

from dmn_core.errors import ConfigurationError
from dmn_ros.declaration import changed, declare, ros_name, type_name
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.parameters import BagPlayerParameters, MapperParameters
from dmn_ros.simulator.parameters import SimulatorParameters
from dmn_ros.visualizer.parameters import VisualizerParameters

KINDS = (
    LocalizerParameters,
    MapperParameters,
    SimulatorParameters,
    VisualizerParameters,
    BagPlayerParameters,
)
FIELDS = [(kind, field) for kind in KINDS for field in dataclasses.fields(kind)]
OTHER_TYPES = {
    "str": 1,
    "int": "one",
    "float": "one",
    "bool": "yes",
    "tuple[float, ...]": ["one"],
    "tuple[str, ...]": 1,
}


def numbers_out_of_range(field: Any) -> Iterator[Any]:
    low, high = field.metadata["low"], field.metadata["high"]
    is_int = type_name(field) == "int"
    below = [] if low is None else [int(low) - 1 if is_int else low - 1e-3 * max(1.0, abs(low))]
    above = [] if high is None else [int(high) + 1 if is_int else high + 1e-3 * max(1.0, abs(high))]
    yield from below + above
    if not is_int:
        yield from (math.nan, math.inf, -math.inf)


def bad_values(field: Any) -> Iterator[tuple[Any, list[str]]]:
    """Values that must be refused, and what the refusal must say beside the name."""
    kind, choices = type_name(field), field.metadata["choices"]
    yield OTHER_TYPES[kind], []
    edges = [field.metadata[edge] for edge in ("low", "high") if field.metadata[edge] is not None]
    if kind in ("int", "float"):
        for number in numbers_out_of_range(field):
            as_ros = int if kind == "int" else float
            yield number, [str(as_ros(edge)) for edge in edges]
    if kind == "tuple[float, ...]":
        for number in numbers_out_of_range(field):
            yield [0.0, number, 0.0], [f"{edge:g}" for edge in edges]
    if choices:
        yield "nothing of that kind", [choice for choice in choices if choice]


@pytest.mark.parametrize(
    ("kind", "field"), FIELDS, ids=[f"{k.__name__[:-10]}-{ros_name(f)}" for k, f in FIELDS]
)
def test_bad_values_are_refused_with_the_range(ros_context: Any, kind: Any, field: Any) -> None:
    only = dataclasses.make_dataclass("Only", [(field.name, field.type, copied(field))])
    for value, words in bad_values(field):
        override = Parameter(ros_name(field), value=value)
        made = rclpy.create_node("tested", context=ros_context, parameter_overrides=[override])
        try:
            with pytest.raises(ConfigurationError) as caught:
                declare(made, only)
        finally:
            made.destroy_node()
        said = str(caught.value)
        assert [word for word in [ros_name(field), *words] if word not in said] == [], value


def copied(field: Any) -> Any:
    return dataclasses.field(default=field.default, metadata=field.metadata)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_has_a_range(kind: Any) -> None:
    for field in dataclasses.fields(kind):
        if type_name(field) in ("int", "float", "tuple[float, ...]"):
            assert field.metadata["low"] is not None, field.name


@pytest.mark.parametrize("field", dataclasses.fields(LocalizerParameters), ids=ros_name)
def test_live_changes_out_of_range_are_refused(ros_context: Any, field: Any) -> None:
    if not field.metadata["live"]:
        return
    only = dataclasses.make_dataclass("Only", [(field.name, field.type, copied(field))])
    made = rclpy.create_node("tested", context=ros_context)
    try:
        declare(made, only)
        for value, _ in bad_values(field):
            change = Parameter(ros_name(field), value=value)
            (result,) = made.set_parameters([change])
            if result.successful:
                # A word: ROS knows no choices, the node asks for them.
                with pytest.raises(ConfigurationError):
                    changed(LocalizerParameters(), [change])
    finally:
        made.destroy_node()
