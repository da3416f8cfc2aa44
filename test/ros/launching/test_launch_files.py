"""Launch files are whole: each loads, declares what it promises and finds its configuration."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMISED = {
    "mapping": {
        *("namespace", "use_sim_time", "params_file", "context_bag", "map_file", "autostart"),
        *("live_poses", "image", "image_transport", "view_pose", "pose", "status"),
    },
    "localization": {"namespace", "use_sim_time", "params_file", "image", "odom", "nav2_compat"},
    "replay": {
        *("namespace", "params_file", "context_bag", "query_bag", "map_file", "rate", "rviz"),
        *("use_sim_time", "use_respawn"),
    },
    "demo": {
        "namespace",
        "use_sim_time",
        "params_file",
        "bag",
        "rate",
        "rviz",
        "log_level",
        "autostart",
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
def test_arguments_are_declared(name: str) -> None:
    pytest.importorskip("launch_ros", reason="launch is not on PyPI; it comes with ROS 2")
    from launch.actions import DeclareLaunchArgument

    module = runpy.run_path(str(ROOT / "launch" / f"{name}.launch.py"))
    entities = module["generate_launch_description"]().entities
    declared = {e.name for e in entities if isinstance(e, DeclareLaunchArgument)}
    assert declared >= PROMISED[name]


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
