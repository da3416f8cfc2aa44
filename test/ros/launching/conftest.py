"""Launch files are executed with a stand-in that records what they start."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def stand_in() -> Any:
    spec = importlib.util.spec_from_file_location(
        "launch_stand_in", Path(__file__).with_name("launch_stand_in.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in, in the place of launch and launch_ros."""
    recorded = stand_in()
    for name, module in recorded.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    sys.modules.pop("dmn_ros.launching", None)
    yield recorded
    # It holds classes of the stand-in.
    sys.modules.pop("dmn_ros.launching", None)


@pytest.fixture
def describe(recorded: Any) -> Callable[[str], Any]:
    """Read a launch file, one of ours by its name or any by its path without the ending."""

    def read(name: str) -> Any:
        module = runpy.run_path(str(ROOT / "launch" / f"{name}.launch.py"))
        return module["generate_launch_description"]()

    return read


@pytest.fixture
def launch(recorded: Any, describe: Callable[[str], Any]) -> Callable[..., Any]:
    """Execute a launch file with arguments; what it started, by executable, and its context."""

    def execute(name: str, *, has_rviz: bool = True, **stated: str) -> tuple[dict[str, Any], Any]:
        if has_rviz:
            importlib.import_module("dmn_ros.launching").__dict__["_require_rviz"] = lambda: None
        context = recorded.LaunchContext(given=dict(stated))
        describe(name).execute(context)
        return {getattr(s, "executable", "process"): s for s in context.started}, context

    return execute
