"""Imports go one way, and the check that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_imports import violations

ROOT = Path(__file__).resolve().parents[2]


def test_this_checkout_keeps_the_order() -> None:
    assert [str(violation) for violation in violations(ROOT)] == []


def reasons(tmp_path: Path, file: str, source: str) -> list[str]:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return [violation.reason for violation in violations(tmp_path)]


@pytest.mark.parametrize(
    ("file", "source", "reason"),
    [
        ("dmn_core/geometry.py", "from dmn_core.views import View", "lies below"),
        ("dmn_core/geometry.py", "from dmn_core import views", "lies below"),
        ("dmn_core/views.py", "def f():\n    import dmn_core.training.loop", "lies below"),
        ("dmn_core/mapping/latent.py", "from ..attention import attend", "lies below or beside"),
        ("dmn_core/mapping/__init__.py", "from ..cli import main", "lies below"),
        ("dmn_core/data/bag.py", "import mujoco", "simulator"),
        ("dmn_core/localization.py", "import labmaze.assets", "simulator"),
        ("dmn_core/cli/replay.py", "import rclpy", "without ROS"),
        ("dmn_core/data/bag.py", "from sensor_msgs.msg import Image", "without ROS"),
        ("dmn_core/data/bag.py", "from dmn.msg import ViewMap", "without ROS"),
        ("dmn_core/cli/main.py", "from dmn_ros import mapper_node", "without ROS"),
        ("dmn_core/novelty.py", "import math", "no place in ORDER"),
        ("dmn_core/__init__.py", "import torch", "must stay light"),
        ("dmn_ros/localizer_node.py", "from dmn_core.cli.replay import replay", "localizer side"),
        ("dmn_ros/localizer_node.py", "from dmn_core.worlds.maze import Maze", "localizer side"),
        ("dmn_ros/mapper_node.py", "from dmn_core.evaluation import tables", "localizer side"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, source: str, reason: str) -> None:
    found = reasons(tmp_path, file, source)
    assert len(found) == 1
    assert reason in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("dmn_core/views.py", "from dmn_core.errors import MapError\nimport numpy"),
        ("dmn_core/mapping/latent.py", "from .view_embedding import ViewEncoder"),
        ("dmn_core/cli/train.py", "from ..training.loop import train\nfrom dmn_core import errors"),
        ("dmn_core/worlds/renderer.py", "import mujoco"),
        ("dmn_core/cli/main.py", "from dmn_core import __version__"),
        ("dmn_ros/mapper_node.py", "from dmn_core.data.bag.views import read_views\nimport rclpy"),
        ("dmn_ros/demo.py", "from dmn_core.evaluation.figures import draw"),
    ],
)
def test_a_right_import_is_left_alone(tmp_path: Path, file: str, source: str) -> None:
    assert reasons(tmp_path, file, source) == []
