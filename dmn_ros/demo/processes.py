"""Starting the package's executables as processes of their own, and ending them."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from dmn_core.errors import DmnError

STOP_S = 10.0
TAIL_LINES = 8


class DemoError(DmnError):
    """The demo could not be brought to its end."""


@dataclass(frozen=True)
class NodeProcess:
    """A node that was started, and the file with what it says."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def require_alive(self) -> None:
        """Pass on why a node ended.

        Raises:
            DemoError: it ended.
        """
        if self.popen.poll() is not None:
            raise DemoError(
                f"the {self.name} ended with code {self.popen.returncode}: {self.tail()}"
            )

    def tail(self) -> str:
        """The end of what it said."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class NodeProcesses:
    """Processes that end with this context."""

    def __init__(self, logs: Path) -> None:
        """Put logs into a folder."""
        self._logs = logs
        self._running: list[NodeProcess] = []

    def start(
        self, name: str, parameters: dict[str, Any], *, remap: dict[str, str] | None = None
    ) -> NodeProcess:
        """Start an executable of the package with parameters and remappings.

        Raises:
            DemoError: the package is not installed.
        """
        command = [str(_executable(name)), "--ros-args"]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={_literal(value)}"]
        for key, value in (remap or {}).items():
            command += ["-r", f"{key}:={value}"]
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        with log.open("wb") as file:
            popen = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        self._running.append(NodeProcess(name, popen, log))
        return self._running[-1]

    def __enter__(self) -> NodeProcesses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            process.popen.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.popen.kill()


def _executable(name: str) -> Path:
    try:
        return Path(get_package_prefix("dmn")) / "lib" / "dmn" / name
    except PackageNotFoundError as error:
        raise DemoError(
            "the ROS package dmn is not built or its environment not sourced: make build, then "
            ". tools/env.sh"
        ) from error


def _literal(value: Any) -> str:
    """A parameter value as YAML; text is quoted, so that no path is taken for a number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(entry) for entry in value) + "]"
    return str(value) if isinstance(value, (int, float)) else f'"{value}"'
