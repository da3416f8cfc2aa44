"""Dataclasses as configuration: to and from plain dictionaries and YAML, strictly."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from dmn_core.errors import ConfigurationError

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration dataclass as plain dictionaries, numbers, strings and lists."""
    return typing.cast(dict[str, Any], _plain(dataclasses.asdict(config)))


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """Build a configuration dataclass; nested ones from nested dictionaries.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is refused.
    """
    if not isinstance(values, dict):
        raise ConfigurationError(f"{kind.__name__} wants a mapping of its fields, got {values!r}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ConfigurationError(
            f"{kind.__name__} does not know {unknown!r}; it has {sorted(fields)!r}"
        )
    arguments = {name: _value(hints[name], value) for name, value in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ConfigurationError(f"{kind.__name__} cannot be built: {error}") from error


def part_of(kind: type[T], config: Any) -> T:
    """The fields of `kind` in a dataclass that extends it, such as a command with more options."""
    names = (field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    return kind(**{name: getattr(config, name) for name in names})


def changed(config: T, values: Mapping[str, Any]) -> T:
    """A configuration with other values; those of nested ones are named as in `part.field`.

    Raises:
        ConfigurationError: a value is refused.
    """
    # All at once: values may be refused beside those that others are about to replace.
    new: dict[str, Any] = {}
    for name, value in values.items():
        part, dot, field = name.partition(".")
        new[part] = changed(new.get(part, getattr(config, part)), {field: value}) if dot else value
    return dataclasses.replace(config, **new)  # type: ignore[type-var]


def read_yaml(kind: type[T], path: Path) -> T:
    """A configuration dataclass from a YAML file; see `from_dict`."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigurationError(f"cannot read configuration {str(path)!r}: {error}") from error
    try:
        return from_dict(kind, yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{str(path)!r} is not YAML: {error}") from error


def write_yaml(config: Any, path: Path) -> None:
    """Write a configuration dataclass as YAML."""
    path.write_text(yaml.safe_dump(to_dict(config), sort_keys=False))


def _value(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_dict(typing.cast(type, hint), value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
