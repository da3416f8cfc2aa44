"""`ros2 launch` runs under the system's python3: what pip put into an environment is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FILES = sorted(path.name.removesuffix(".launch.py") for path in (ROOT / "launch").glob("*.py"))


def bare(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HERE / "bare_launch.py"), name, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def started(name: str, *arguments: str, **environment: str) -> dict[str, Any]:
    done = bare(name, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", FILES)
def test_a_launch_file_wants_what_ros_has_and_no_more(name: str) -> None:
    # A bag that is stated is not asked about.
    assert started(name, *(["context_bag:=/context"] if name == "demo" else []))


def nodes(robot: str, **also: dict[str, Any]) -> dict[str, Any]:
    """The mapper, the localizer and their robot."""
    plain = {"values": {}, "remappings": {}}
    return {
        name: {**plain, "files": [f"{name}.yaml"], **also.get(name, {})}
        for name in ("mapper", "localizer", robot)
    }


def test_a_simulated_demo_comes_to_its_nodes(tmp_path: Path) -> None:
    found = started("demo", "seed:=3", "views:=2", DMN_CACHE=str(tmp_path))
    bag = tmp_path / "context_bags" / "maze-3-2-views"
    time = {"use_sim_time": True}
    assert found == nodes(
        "simulator",
        mapper={"values": {"context_bag": str(bag), **time}},
        localizer={
            "values": {"max_particles": 512, **time},
            "remappings": {"image": "camera/image_raw"},
        },
        simulator={"values": {"seed": 3, "rate": 1.0, "publish_clock": True, **time}},
    )
    assert (bag / "metadata.yaml").is_file()


def test_a_demo_of_a_bag_comes_to_its_nodes() -> None:
    found = started("demo", "bag:=bags/query", "context_bag:=bags/context")
    topics = {"odom": "/odom", "tf": "/tf", "tf_static": "/tf_static"}
    image, time = "/camera/image_raw", {"use_sim_time": True}
    player = {
        "bag": "bags/query",
        "rate": 1.0,
        "clock": True,
        "wait_for_subscribers": [f"{image}/compressed"],
        "wait_for_localizer": True,
    }
    assert found == nodes(
        "bag_player",
        mapper={"values": {"context_bag": "bags/context", **time}},
        localizer={
            "values": {"max_particles": 512, "image_transport": "compressed", **time},
            "remappings": {"image": image, **topics},
        },
        bag_player={"values": {**player, **time}},
    )


def refusal(*arguments: str, **environment: str) -> str:
    """What a demo says that ends before any node starts, in one line."""
    done = bare("demo", *arguments, **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]


def test_a_bag_that_is_not_there_is_named() -> None:
    said = refusal("bag:=/nowhere")
    assert "ConfigurationError: bag:=/nowhere wants a bag with images: there is no bag at" in said


@pytest.mark.parametrize("arguments", [["bag:=bags/query"], ["seed:=3", "views:=2"]])
def test_an_environment_that_is_not_active_is_said(tmp_path: Path, arguments: list[str]) -> None:
    plain = tmp_path / "python3"
    # -S: without site-packages, as the system's python3 is without what pip puts elsewhere.
    plain.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    plain.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    said = refusal(*arguments, PATH=path, DMN_CACHE=str(tmp_path))
    assert "No module named" in said
    assert "activate an environment" in said


def test_a_simulator_that_is_not_installed_is_said_with_the_line_for_pip(tmp_path: Path) -> None:
    (tmp_path / "labmaze.py").write_text("raise ImportError(name='labmaze')")
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    said = refusal("seed:=3", "views:=2", PYTHONPATH=path, DMN_CACHE=str(tmp_path))
    assert "seed:=3 views:=2" in said
    assert "pip install labmaze mujoco" in said
