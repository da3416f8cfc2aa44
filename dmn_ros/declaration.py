"""ROS parameters declared from frozen dataclasses: names, types and ranges are said once."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from dmn_core.errors import ConfigurationError

T = TypeVar("T")
LARGEST_INT = 2**62
LARGEST_FLOAT = 1e300

TYPES = {
    "str": Parameter.Type.STRING,
    "int": Parameter.Type.INTEGER,
    "float": Parameter.Type.DOUBLE,
    "bool": Parameter.Type.BOOL,
    "tuple[float, ...]": Parameter.Type.DOUBLE_ARRAY,
    "tuple[str, ...]": Parameter.Type.STRING_ARRAY,
}


def parameter(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
    name: str = "",
    also: str = "",
    instead: dict[str, str] | None = None,
) -> Any:
    """A dataclass field that becomes a ROS parameter.

    Args:
        default: its value unless somebody sets another.
        description: one sentence for `ros2 param describe`.
        low: least number allowed, in a list as well.
        high: greatest number allowed.
        choices: the words allowed.
        live: whether it can be changed while the node runs.
        name: the ROS name, where it has dots; else that of the field.
        also: what others call it; counts where the name itself is not given.
        instead: words that others allow and that are none of the choices, each with what to do.
    """
    metadata = {
        "description": description,
        "low": low,
        "high": high,
        "choices": choices,
        "live": live,
        "name": name,
        "also": also,
        "instead": instead or {},
    }
    return dataclasses.field(default=default, metadata=metadata)


def declare(node: Node, kind: type[T]) -> T:
    """Declare every field of a dataclass on a node and return the values in force.

    Names of its class attribute `IGNORED`, if it has one, are known to mean nothing here.

    Raises:
        ConfigurationError: a value has the wrong type, is out of range or not among the choices.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    made = kind(**{f.name: _declare_one(node, f) for f in fields})
    ignored: frozenset[str] = getattr(kind, "IGNORED", frozenset())
    if idle := sorted(ignored.intersection(node._parameter_overrides)):
        node.get_logger().info(f"parameters without a meaning here: {', '.join(idle)}")
    for warning in _unknown(node, ignored.union(f.metadata["also"] for f in fields)):
        node.get_logger().warning(warning)
    return made


def changed(parameters: T, changes: list[Parameter]) -> T:
    """The parameters with the values of ROS parameters that were set anew.

    Raises:
        ConfigurationError: a value is not among the choices, or a number in a list out of range.
    """
    fields = {ros_name(f): f for f in dataclasses.fields(parameters)}  # type: ignore[arg-type]
    known = {p.name: p.value for p in changes if p.name in fields}
    for name, value in known.items():
        _require_good(fields[name], value)
    return dataclasses.replace(  # type: ignore[type-var]
        parameters, **{fields[name].name: value for name, value in known.items()}
    )


def ros_name(field: dataclasses.Field[Any]) -> str:
    """The name of a field as a ROS parameter."""
    return field.metadata.get("name") or field.name


def _unknown(node: Node, ignored: frozenset[str]) -> list[str]:
    """What is to be said of values that were given for parameters that do not exist."""
    known = [name for name in node._parameters if not name.startswith("qos_overrides")]
    said = []
    for name in node._parameter_overrides:
        if name in ignored or name in known or name.startswith("qos_overrides"):
            continue
        close = difflib.get_close_matches(name, known, n=1)
        hint = f": did you mean {close[0]!r}?" if close else ""
        said.append(f"parameter {name!r} is not known and has no effect{hint}")
    return said


def type_name(field: dataclasses.Field[Any]) -> str:
    """How a field's type is written in the source."""
    return field.type if isinstance(field.type, str) else field.type.__name__


def _declare_one(node: Node, field: dataclasses.Field[Any]) -> Any:
    kind = TYPES[type_name(field)]
    stated = node._parameter_overrides.get(field.metadata["also"])
    try:
        value = _to_ros(field.default) if stated is None else stated.value
        default = Parameter(ros_name(field), kind, value)
    except ValueError as error:
        raise ConfigurationError(
            f"parameter {field.metadata['also']!r} wants a {kind.name.lower()}, got {value!r}"
        ) from error
    is_array = isinstance(field.default, tuple)
    try:
        # An empty list carries no type, so arrays are declared by type, without a default.
        node.declare_parameter(
            ros_name(field), kind if is_array else default.value, _describe(field)
        )
    except InvalidParameterTypeException as error:
        raise ConfigurationError(
            f"parameter {ros_name(field)!r} wants a {kind.name.lower()}: {error}"
        ) from error
    except (InvalidParameterValueException, ParameterAlreadyDeclaredException) as error:
        raise ConfigurationError(f"parameter {ros_name(field)!r}: {error}") from error
    if is_array and node._parameters[ros_name(field)].type_ == Parameter.Type.NOT_SET:
        # One that is not set would leave `ros2 param dump` with nothing of the whole node. It is
        # set here, as neither a declaration nor, where it is read only, anything else can do it.
        node._parameters[ros_name(field)] = default
    value = node.get_parameter(ros_name(field)).value
    _require_good(field, value)
    return tuple(value) if is_array else value


def _require_good(field: dataclasses.Field[Any], value: Any) -> None:
    """What ROS does not look at: words, and the numbers of a list."""
    choices = field.metadata["choices"]
    if choices and value not in choices:
        raise ConfigurationError(
            f"parameter {ros_name(field)!r} wants one of {words(choices)}, got {value!r}"
            + (f": {instead}" if (instead := field.metadata["instead"].get(value)) else "")
        )
    if type_name(field) != "tuple[float, ...]":
        return
    low, high = _edges(field)
    if not all(low <= number <= high for number in value):
        raise ConfigurationError(
            f"parameter {ros_name(field)!r} wants numbers from {low:g} to {high:g}, got "
            f"{list(value)!r}"
        )


def words(choices: tuple[str, ...]) -> str:
    """The words that are allowed, as a user would write them."""
    return ", ".join(choice or '""' for choice in choices)


def _edges(field: dataclasses.Field[Any]) -> tuple[float, float]:
    low, high = field.metadata["low"], field.metadata["high"]
    largest = LARGEST_INT if type_name(field) == "int" else LARGEST_FLOAT
    return (-largest if low is None else low, largest if high is None else high)


def _to_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _describe(field: dataclasses.Field[Any]) -> ParameterDescriptor:
    about = field.metadata
    described = ParameterDescriptor(description=about["description"], read_only=not about["live"])
    if about["choices"]:
        described.additional_constraints = f"one of {words(about['choices'])}"
    if about["low"] is None and about["high"] is None:
        return described
    low, high = _edges(field)
    if type_name(field) == "int":
        described.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    elif type_name(field) == "float":
        described.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high))
        ]
    else:
        described.additional_constraints = f"each from {low:g} to {high:g}"
    return described


def numbers(values: tuple[float, ...], count: int, *, name: str) -> typing.Any:
    """The same numbers, if there are as many as wanted.

    Raises:
        ConfigurationError: there are not.
    """
    if len(values) != count:
        raise ConfigurationError(f"parameter {name!r} wants {count} numbers, got {values!r}")
    return tuple(float(value) for value in values)
