"""Real nodes in their own processes, and a probe that talks to them over DDS."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# `make test` builds everything first, so that there a package that is missing is an error.
if os.environ.get("DMN_REQUIRE_ALL"):
    importlib.import_module("dmn.msg")
else:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    pytest.importorskip("dmn.msg", reason="the package is not built, or tools/env.sh not sourced")

import rclpy
import torch
from ament_index_python.packages import get_package_prefix
from diagnostic_msgs.msg import DiagnosticArray
from dmn.msg import LocalizerStatus
from rclpy.executors import SingleThreadedExecutor
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.message_factory import TYPESTORE
from dmn_core.data.recording import RecordingConfig, record_context_bag, record_query_bag
from dmn_core.observation import ObservationModel
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_ros.demo.domain import own_domain
from dmn_ros.qualities import EVERYTHING

# Processes of one run talk to each other only.
DDS = {"ROS_DOMAIN_ID": str(own_domain()), "FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT"}
ENVIRONMENT = {**os.environ, **DDS, "OMP_NUM_THREADS": "1"}
IMAGE_TOPIC = "/camera/image_raw/compressed"
WAIT_S = 180.0


@dataclass(frozen=True)
class Scene:
    """Bags of a small maze and weights that nobody trained."""

    context: Path
    query: Path
    weights: Path
    other_weights: Path
    images: int


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    layout = generate_maze(7)
    config = RecordingConfig(camera=CameraConfig(32, 32, supersampling=1.0))
    context = record_context_bag(folder / "context", layout, views=5, config=config)
    query = record_query_bag(folder / "query", layout, duration_s=4.0, config=config)
    weights = folder / "weights.safetensors", folder / "other.safetensors"
    for seed, path in enumerate(weights):
        torch.manual_seed(seed)
        save_checkpoint(path, ObservationModel())
    return Scene(context, query, *weights, images=20)


def cut_bag(source: Path, target: Path, keep: Callable[[str, float], bool], **renamed: str) -> Path:
    """A bag of what is kept, by topic and seconds since the begin; `odom="/wheels"` renames."""
    with (
        AnyReader([source]) as reader,
        Writer(target, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
    ):
        added = {
            c.id: writer.add_connection(
                renamed.get(c.topic.lstrip("/"), c.topic),
                c.msgtype,
                typestore=TYPESTORE,
                offered_qos_profiles=c.ext.offered_qos_profiles,
            )
            for c in reader.connections
        }
        for connection, stamp_ns, data in reader.messages():
            if keep(connection.topic, (stamp_ns - reader.start_time) / 1e9):
                writer.write(added[connection.id], stamp_ns, data)
    return target


@pytest.fixture(name="cut_bag")
def cut_bag_fixture() -> Callable[..., Path]:
    return cut_bag


@dataclass
class Process:
    """A node that runs."""

    popen: subprocess.Popen[str]
    log: Path
    killed: bool = False

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def stop(self) -> int:
        if self.alive:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(WAIT_S)

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        self.killed = True
        self.popen.kill()
        self.popen.wait(WAIT_S)

    def exit_code(self) -> int:
        """End it, if it still runs; then it must end well, else a clear error is allowed as well.

        Raises:
            AssertionError: it crashed, or did not end well when it was told to stop.
        """
        was_alive = self.alive
        code = self.stop()
        if self.killed:
            return 0
        assert code == 0 or (code == 1 and not was_alive), f"code {code}: {self.output[-2000:]}"
        return code


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an executable of the package with parameters, also from files, and remappings."""
    running: list[Process] = []

    def start_process(
        executable: str,
        *,
        remap: dict[str, str] | None = None,
        files: Sequence[Path] = (),
        **parameters: Any,
    ) -> Process:
        path = Path(get_package_prefix("dmn")) / "lib" / "dmn" / executable
        arguments = [f"{name}:={_literal(value)}" for name, value in parameters.items()]
        command = [str(path), "--ros-args"]
        command += [word for file in files for word in ("--params-file", str(file))]
        command += [word for argument in arguments for word in ("-p", argument)]
        for name, target in (remap or {}).items():
            command += ["-r", f"{name}:={target}"]
        log = tmp_path / f"{len(running)}_{executable}.log"
        environment = {**ENVIRONMENT, "HOME": os.environ["HOME"], "ROS_LOG_DIR": str(tmp_path)}
        with log.open("w") as file:
            popen = subprocess.Popen(
                command, env=environment, stdout=file, stderr=subprocess.STDOUT, text=True
            )
        running.append(Process(popen, log))
        return running[-1]

    yield start_process
    errors = []
    for process in running:
        try:
            process.exit_code()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            process.popen.kill()
            errors.append(f"{process.log.name}: {error}")
    assert errors == []


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, Path) else str(value)


@dataclass
class Probe:
    """A node of the test: it listens, publishes, calls services and waits."""

    node: Any
    executor: SingleThreadedExecutor
    heard: dict[str, list[Any]] = field(default_factory=dict)

    def listen(self, kind: Any, topic: str, quality: Any = EVERYTHING) -> list[Any]:
        messages = self.heard.setdefault(topic, [])
        self.node.create_subscription(kind, topic, messages.append, quality)
        return messages

    def statuses(self, namespace: str = "", quality: Any = EVERYTHING) -> list[Any]:
        """One comes each second: with the first, the localizer knows all listeners made so far."""
        told = self.listen(LocalizerStatus, f"{namespace}status", quality)
        self.wait(lambda: told, "a status")
        return told

    def publisher(self, kind: Any, topic: str, quality: Any = EVERYTHING) -> Any:
        publisher = self.node.create_publisher(kind, topic, quality)
        self.wait(lambda: publisher.get_subscription_count() > 0, f"a subscriber of {topic}")
        self.settle()
        return publisher

    def settle(self) -> None:
        """The other side, which hears of this one by itself, takes nothing before it does."""
        begin = time.monotonic()
        self.wait(lambda: time.monotonic() > begin + 0.2, "the other side")

    def wait(self, condition: Callable[[], Any], what: str, *, seconds: float = WAIT_S) -> Any:
        """Spin until the condition holds; one that asks for a message has time until that comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(IndexError):
                if result := condition():
                    return result
            self.executor.spin_once(timeout_sec=0.05)
        raise AssertionError(f"waited {seconds} s in vain for {what}; last report: {self.state()}")

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        self.wait(client.service_is_ready, f"the service {name}")
        self.settle()
        future = client.call_async(request)
        self.wait(future.done, f"an answer of {name}")
        return future.result()

    def state(self) -> dict[str, str]:
        """The newest report of the localizer."""
        reports = self.heard["/diagnostics"]
        return {v.key: v.value for v in reports[-1].status[0].values} if reports else {}

    def wait_for_state(self, key: str, value: str, *, seconds: float = WAIT_S) -> dict[str, str]:
        self.wait(lambda: self.state().get(key) == value, f"{key} {value}", seconds=seconds)
        return self.state()


@pytest.fixture(scope="session")
def ros_context() -> Iterator[Any]:
    os.environ.update(DDS)
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=own_domain())
    yield context
    context.try_shutdown()


@pytest.fixture
def probe(ros_context: Any) -> Iterator[Probe]:
    node = rclpy.create_node("probe", context=ros_context)
    executor = SingleThreadedExecutor(context=ros_context)
    executor.add_node(node)
    probe = Probe(node, executor)
    probe.listen(DiagnosticArray, "/diagnostics")
    yield probe
    executor.shutdown()
    node.destroy_node()


@pytest.fixture
def localizer(start: Start, scene: Scene) -> Callable[..., Process]:
    """Start a localizer that processes every compressed image, with few particles."""

    def start_localizer(**parameters: Any) -> Process:
        settings = {
            **{"weights": scene.weights, "device": "cpu", "threads": 1},
            "max_particles": 128,
            "random_seed": 3,
            "image_transport": "compressed",
            "image_queue": "all",
            **parameters,
        }
        return start("localizer", remap={"image": IMAGE_TOPIC.rpartition("/")[0]}, **settings)

    return start_localizer


@pytest.fixture
def mapper(start: Start, scene: Scene) -> Callable[..., Process]:
    """Start a mapper of the context bag."""

    def start_mapper(**parameters: Any) -> Process:
        settings = {
            **{"weights": scene.weights, "device": "cpu", "threads": 1},
            "context_bag": scene.context,
            **parameters,
        }
        return start("mapper", **{k: v for k, v in settings.items() if v is not None})

    return start_mapper
