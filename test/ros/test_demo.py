"""The demo, whole, on small bags: its figures, its table, its result bag and its errors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest
from ament_index_python.packages import get_package_prefix
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from dmn_core.data.bag import list_topics, read_query
from dmn_core.errors import BagError
from dmn_ros.demo.domain import own_domain, set_environment
from dmn_ros.demo.options import find_odometry
from dmn_ros.qualities import EVERYTHING

# A busy machine may take long to start its nodes.
PATIENCE_S = 180


def run_demo(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(get_package_prefix("dmn")) / "lib" / "dmn" / "demo"), *words]
    wide = {**environment, "COLUMNS": "200"}
    return subprocess.run(command, env=wide, capture_output=True, text=True, timeout=600)


@pytest.fixture
def environment(ros_context: Any) -> dict[str, str]:
    # The fixture before sets domain and transports for this process, and so for its children.
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@contextmanager
def foreign_diagnostics(probe: Any) -> Iterator[None]:
    """While this lasts, other nodes report about themselves, or about nothing."""
    publisher = probe.node.create_publisher(DiagnosticArray, "/diagnostics", EVERYTHING)
    other = DiagnosticStatus(name="battery", values=[KeyValue(key="charge", value="7")])
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(0.05):
            publisher.publish(DiagnosticArray())
            publisher.publish(DiagnosticArray(status=[other]))

    thread = threading.Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_the_demo_leaves_pictures_a_table_and_a_bag(
    scene: Any, environment: dict[str, str], probe: Any, cut_bag: Any, tmp_path: Path
) -> None:
    # Truth and odometry go on for three seconds after the last image.
    query = cut_bag(
        scene.query,
        tmp_path / "query",
        lambda topic, time_s: "image" not in topic or time_s < 1.0,
        odom="/wheels",
    )
    expected = read_query(query)
    images = len(expected.stamps_ns)
    options = {
        "--context": scene.context,
        "--query": query,
        "--out": tmp_path,
        "--weights": scene.weights,
        "--device": "cpu",
        "--particles": 64,
        "--threads": 1,
        "--rate": 1.0,
        "--timeout-s": PATIENCE_S,
    }
    with foreign_diagnostics(probe):
        done = run_demo(environment, *(str(word) for pair in options.items() for word in pair))
    assert done.returncode == 0, done.stderr + done.stdout
    assert f"ROS_DOMAIN_ID {environment['ROS_DOMAIN_ID']}" in done.stdout
    lines = {" ".join(line.split()) for line in done.stdout.replace("│", "").splitlines()}
    assert {f"images in the bag {images}", f"poses {images}", "particles 64"} <= lines
    for word in ("position error, last image", "success", "update latency, median"):
        assert word in done.stdout
    for name in ("belief_over_time.png", "track.png"):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.std() > 10
    bag = tmp_path / "result_bag"
    counts = {topic.name: topic.count for topic in list_topics(bag)}
    assert counts["/pose"] == counts["/particle_points"] == images
    assert counts["/viewpoints"] == 1
    # The poses of the result bag are the query bag's drive: same images, same truth.
    result = read_query(bag)
    assert result.stamps_ns.tolist() == expected.stamps_ns.tolist()
    assert result.truth.stamps_ns.tolist() == expected.truth.stamps_ns.tolist()


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
        "--timeout-s": str(PATIENCE_S),
        option: value,
    }
    done = run_demo(environment, *(word for pair in options.items() for word in pair))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_has_a_domain_of_its_own_unless_the_user_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FASTDDS_BUILTIN_TRANSPORTS", "DEFAULT")
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    for before in (None, ""):
        monkeypatch.delenv("ROS_DOMAIN_ID") if before is None else monkeypatch.setenv(
            "ROS_DOMAIN_ID", before
        )
        set_environment()
        assert os.environ["ROS_DOMAIN_ID"] == str(own_domain()) != "0"
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    set_environment()
    assert os.environ["ROS_DOMAIN_ID"] == "0"


def test_processes_of_one_machine_have_domains_of_their_own() -> None:
    """Also those that would choose the same one."""
    code = "import os, sys; os.getpid = lambda: int(sys.argv[1])\n"
    code += "from dmn_ros.demo.domain import own_domain; print(own_domain())"
    same = [sys.executable, "-c", code, str(own_domain() - 1)]
    done = subprocess.run(same, capture_output=True, text=True, timeout=300, check=True)
    assert 1 <= int(done.stdout) <= 100
    assert int(done.stdout) != own_domain()


def test_a_bag_without_odometry_is_refused_by_the_demo(scene: Any) -> None:
    assert find_odometry(scene.query) == "/odom"
    with pytest.raises(BagError, match="Odometry"):
        find_odometry(scene.context)
