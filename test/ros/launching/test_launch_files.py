"""Launch files are whole: each loads, declares what it promises and finds its configuration."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PROMISED = {
    "mapping": {
        *("namespace", "use_sim_time", "params_file", "context_bag", "map_file", "autostart"),
        *("live_poses", "image", "image_transport", "view_pose", "pose", "status", "map"),
        *("nav2_compat", "rviz", "log_level", "use_respawn"),
    },
    "localization": {
        *("namespace", "use_sim_time", "params_file", "image", "image_transport", "odom", "map"),
        *("nav2_compat", "rviz", "visualize", "log_level", "autostart", "use_respawn"),
    },
    "replay": {
        *("namespace", "params_file", "context_bag", "query_bag", "map_file", "rate", "rviz"),
        *("use_sim_time", "use_respawn"),
    },
    "demo": {
        *("namespace", "use_sim_time", "params_file", "context_bag", "bag", "rate", "map", "rviz"),
        *("visualize", "log_level", "autostart", "use_respawn"),
    },
}


def test_every_launch_file_is_known() -> None:
    files = {path.name.removesuffix(".launch.py") for path in (ROOT / "launch").iterdir()}
    assert {name for name in files if not name.startswith("__")} == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_the_source_is_python(name: str) -> None:
    source = (ROOT / "launch" / f"{name}.launch.py").read_text()
    functions = {n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}
    assert "generate_launch_description" in functions


@pytest.mark.parametrize("name", PROMISED)
def test_arguments_are_declared_and_described(describe: Callable[[str], Any], name: str) -> None:
    declared = describe(name).declared
    assert declared.keys() >= PROMISED[name]
    assert [argument for argument, said in declared.items() if not said.description] == []


UNDECLARED = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("word", default_value="a"),
        ExecuteProcess(cmd=["echo", LaunchConfiguration("{read}")]),
    ])
"""


def test_what_is_read_or_given_must_be_declared(launch: Callable[..., Any], tmp_path: Path) -> None:
    """What the other tests of launch files rely on."""
    path = tmp_path / "echo.launch.py"
    name = str(path).removesuffix(".launch.py")
    path.write_text(UNDECLARED.format(read="word"))
    assert launch(name, word="b")[0]["process"].cmd == ["echo", "b"]
    with pytest.raises(RuntimeError, match="not declared: other"):
        launch(name, other="b")
    path.write_text(UNDECLARED.format(read="other"))
    with pytest.raises(RuntimeError, match="'other' does not exist"):
        launch(name)


def test_rviz_listens_as_the_nodes_publish() -> None:
    """A reliable or latched display hears nothing from a publisher that offers less."""
    displays = yaml.safe_load((ROOT / "config" / "dmn.rviz").read_text())
    topics = {
        display["Topic"]["Value"]: display["Topic"]
        for display in displays["Visualization Manager"]["Displays"]
        if "Topic" in display
    }
    drawn = {"belief_grid", "modes", "path", "ground_truth_path"}
    views = {"viewpoints", "viewpoint_sheet/compressed"}
    assert {"particle_points", "particle_cloud", "pose", *drawn, *views} <= set(topics)
    latched = {n for n, t in topics.items() if t["Durability Policy"] == "Transient Local"}
    assert latched == {"pose", *drawn, *views}
    # A namespace moves what the nodes publish, and so what RViz listens to.
    assert [name for name in topics if name.startswith("/")] == []
