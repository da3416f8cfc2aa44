"""The part of launch and launch_ros that the launch files use, as plain objects that are recorded.

Neither is on PyPI. Signatures are those of the real ones, so that a wrong keyword fails here, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from ament_index_python.packages import get_package_prefix, get_package_share_directory

from dmn_ros.parameter_files import OVERRULING


@dataclass
class LaunchContext:
    """Arguments that were given are heard only once they are declared.

    launch itself hears them in any case, but shows nobody that they exist.
    """

    given: dict[str, str] = field(default_factory=dict)
    launch_configurations: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    started: list[Any] = field(default_factory=list)


@dataclass
class LaunchConfiguration:
    variable_name: str

    def perform(self, context: LaunchContext) -> str:
        if self.variable_name not in context.launch_configurations:
            raise RuntimeError(f"launch configuration {self.variable_name!r} does not exist")
        return context.launch_configurations[self.variable_name]


@dataclass
class EnvironmentVariable:
    name: str
    default_value: Any = None

    def perform(self, context: LaunchContext) -> str:
        found = {**os.environ, **context.environment}.get(self.name)
        return text(context, self.default_value) if found is None else found


@dataclass
class PathJoinSubstitution:
    substitutions: list[Any]

    def perform(self, context: LaunchContext) -> str:
        return str(Path(*(text(context, part) for part in self.substitutions)))


@dataclass
class FindPackageShare:
    package: str

    def perform(self, context: LaunchContext) -> str:
        return get_package_share_directory(self.package)


@dataclass
class FindPackagePrefix:
    package: str

    def perform(self, context: LaunchContext) -> str:
        return get_package_prefix(self.package)


@dataclass
class IfCondition:
    predicate: Any

    def holds(self, context: LaunchContext) -> bool:
        return {"true": True, "1": True, "false": False, "0": False}[
            text(context, self.predicate).lower()
        ]


@dataclass
class DeclareLaunchArgument:
    name: str
    default_value: Any = None
    description: str = ""
    choices: tuple[str, ...] | None = None

    def execute(self, context: LaunchContext) -> None:
        found = context.given.get(self.name)
        stated = text(context, self.default_value) if found is None else found
        if self.choices is not None and stated not in self.choices:
            raise RuntimeError(f"{self.name}:={stated} is none of {self.choices}")
        context.launch_configurations[self.name] = stated


@dataclass
class SetEnvironmentVariable:
    name: str
    value: Any

    def execute(self, context: LaunchContext) -> None:
        context.environment[self.name] = text(context, self.value)


@dataclass
class OpaqueFunction:
    function: Callable[[LaunchContext], list[Any] | None]

    def execute(self, context: LaunchContext) -> None:
        for entity in self.function(context) or []:
            entity.execute(context)


@dataclass
class Shutdown:
    reason: str = ""


@dataclass(kw_only=True)
class ExecuteProcess:
    cmd: list[Any]
    output: str = "log"
    on_exit: Any = None
    condition: IfCondition | None = None

    def execute(self, context: LaunchContext) -> None:
        if self.condition is None or self.condition.holds(context):
            self.cmd = [text(context, word) for word in self.cmd]
            context.started.append(self)


@dataclass(kw_only=True)
class Node:
    package: str
    executable: str
    namespace: str = ""
    output: str = "log"
    parameters: list[Any] = field(default_factory=list)
    remappings: list[tuple[str, str]] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)
    condition: IfCondition | None = None
    on_exit: Any = None
    name: str | None = None
    respawn: bool = False
    respawn_delay: float | None = None

    def execute(self, context: LaunchContext) -> None:
        if self.condition is None or self.condition.holds(context):
            self.arguments = [text(context, word) for word in self.arguments]
            files = [text(context, p) for p in self.parameters if not isinstance(p, dict)]
            ours = [path for path in files if Path(path).name == OVERRULING]
            self.files = [path for path in files if path not in ours]
            self.values = {
                name: value.perform(context)
                for stated in self.parameters
                if isinstance(stated, dict)
                for name, value in stated.items()
            }
            for path in ours:
                said = yaml.safe_load(Path(path).read_text())
                own = f"/{self.namespace}/{self.name or self.executable}".replace("//", "/")
                assert list(said) == ["/**", own]
                assert said["/**"] == said[own]
                self.values |= said[own]["ros__parameters"]
            context.started.append(self)


@dataclass
class LaunchDescription:
    entities: list[Any]

    @property
    def declared(self) -> dict[str, DeclareLaunchArgument]:
        return {e.name: e for e in self.entities if isinstance(e, DeclareLaunchArgument)}

    def execute(self, context: LaunchContext) -> None:
        if unknown := sorted(context.given.keys() - self.declared):
            raise RuntimeError(f"not declared: {', '.join(unknown)}")
        for entity in self.entities:
            entity.execute(context)


def text(context: LaunchContext, value: Any) -> str:
    return value if isinstance(value, str) else str(value.perform(context))


NAMES = {
    "launch": ("LaunchContext", "LaunchDescription"),
    "launch.actions": (
        "DeclareLaunchArgument",
        "ExecuteProcess",
        "OpaqueFunction",
        "SetEnvironmentVariable",
        "Shutdown",
    ),
    "launch.conditions": ("IfCondition",),
    "launch.substitutions": ("EnvironmentVariable", "LaunchConfiguration", "PathJoinSubstitution"),
    "launch_ros": (),
    "launch_ros.actions": ("Node",),
    "launch_ros.substitutions": ("FindPackagePrefix", "FindPackageShare"),
}


def modules() -> dict[str, ModuleType]:
    """The modules by their names in Python."""
    made = {}
    for name, members in NAMES.items():
        made[name] = ModuleType(name)
        for member in members:
            setattr(made[name], member, globals()[member])
    return made
