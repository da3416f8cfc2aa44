"""The library example of the README runs as it is printed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.bag import read_query
from dmn_core.errors import CheckpointError
from dmn_core.observation import ObservationModel
from dmn_core.weights import WEIGHTS_NAME, default_weights_path

ROOT = Path(__file__).resolve().parents[2]


def example() -> str:
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 1
    return blocks[0]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped weights, or freshly drawn ones where a checkout has none."""
    try:
        default_weights_path()
    except CheckpointError:
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        save_checkpoint(tmp_path / "share" / "dmn" / "models" / WEIGHTS_NAME, ObservationModel())


def test_the_example_is_short() -> None:
    lines = [line for line in example().splitlines() if line.strip()]
    assert sum(not line.startswith(("from ", "import ")) for line in lines) <= 11


def test_the_example_prints_a_pose_for_each_image(
    weights: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example(), "README.md", "exec"), {})
    printed = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    stamps = read_query(ROOT / "bags" / "query").stamps_ns[:10].tolist()
    assert [int(stamp) for stamp, _ in printed] == stamps
    poses = np.array([[float(n) for n in pose.strip("[]").split(",")] for _, pose in printed])
    assert poses.shape == (10, 3)
    assert np.isfinite(poses).all()
    assert np.abs(poses[:, :2]).max() < 30  # inside the maze or close to it
