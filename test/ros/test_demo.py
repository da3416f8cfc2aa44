"""The demo, whole, on small bags: its figures, its table, its result bag and its errors."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest
from ament_index_python.packages import get_package_prefix

from dmn_core.data.bag import list_topics, read_query


def run_demo(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(get_package_prefix("dmn")) / "lib" / "dmn" / "demo"), *words]
    wide = {**environment, "COLUMNS": "200"}
    return subprocess.run(command, env=wide, capture_output=True, text=True, timeout=100)


@pytest.fixture
def environment(ros_context: Any) -> dict[str, str]:
    # The fixture before sets domain and transports for this process, and so for its children.
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_the_demo_leaves_pictures_a_table_and_a_bag(
    scene: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    options = {
        "--context": scene.context,
        "--query": scene.query,
        "--out": tmp_path,
        "--weights": scene.weights,
        "--device": "cpu",
        "--particles": 64,
        "--threads": 1,
    }
    done = run_demo(environment, *(str(word) for pair in options.items() for word in pair))
    assert done.returncode == 0, done.stderr + done.stdout
    lines = {" ".join(line.split()) for line in done.stdout.replace("│", "").splitlines()}
    assert {"images in the bag 20", "poses 20", "particles 64"} <= lines
    for word in ("position error, last image", "success", "update latency, median"):
        assert word in done.stdout
    for name in ("belief_over_time.png", "track.png"):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.std() > 10
    bag = tmp_path / "result_bag"
    counts = {topic.name: topic.count for topic in list_topics(bag)}
    assert counts["/pose"] == counts["/particle_points"] == scene.images
    assert counts["/viewpoints"] == 1
    # The poses of the result bag are the query bag's drive: same images, same truth.
    result, query = read_query(bag), read_query(scene.query)
    assert result.stamps_ns.tolist() == query.stamps_ns.tolist()
    assert result.truth.stamps_ns.tolist() == query.truth.stamps_ns.tolist()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--query", "/no/such/bag", "/no/such/bag"),
        ("--weights", "/no/weights.safetensors", "ended with code 1"),
    ],
)
def test_the_demo_says_why_it_cannot(
    scene: Any, environment: dict[str, str], tmp_path: Path, option: str, value: str, words: str
) -> None:
    options = {
        "--context": str(scene.context),
        "--query": str(scene.query),
        "--out": str(tmp_path),
        "--weights": str(scene.weights),
        option: value,
    }
    done = run_demo(environment, *(word for pair in options.items() for word in pair))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
