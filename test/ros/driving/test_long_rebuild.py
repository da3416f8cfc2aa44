"""A mapper that makes a map for seconds answers its manager, and ends when it is told to."""

from __future__ import annotations

import signal
import statistics
import time
from typing import Any

import pytest
import torch
from dmn.msg import ViewMap
from lifecycle_msgs.srv import GetState
from std_srvs.srv import Trigger

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.recording import RecordingConfig, record_context_bag
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_ros.map_message import from_map_message, same_map
from dmn_ros.qualities import LATCHED


@pytest.fixture(scope="module")
def long_work(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Parameters of a mapper whose map takes seconds: many views for a large network."""
    folder = tmp_path_factory.mktemp("long")
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=256, image_width=256))
    save_checkpoint(folder / "large.safetensors", network)
    config = RecordingConfig(camera=CameraConfig(32, 32, supersampling=1.0))
    bag = record_context_bag(folder / "context", generate_maze(7), views=100, config=config)
    settings = {"min_distance_m": 0.0, "min_turn_rad": 0.0, "max_views": 100}
    return {"context_bag": bag, "weights": folder / "large.safetensors", **settings}


def test_a_manager_is_answered_while_a_map_is_rebuilt(
    probe: Any, manager_of: Any, mapper: Any, long_work: dict[str, Any]
) -> None:
    process = mapper(**long_work)
    maps = probe.listen(ViewMap, "map", LATCHED)
    probe.wait(lambda: maps, "the map")
    manager = manager_of("mapper")
    assert manager.state == "active"
    rebuild = probe.node.create_client(Trigger, "mapper/rebuild")
    state = probe.node.create_client(GetState, "mapper/get_state")
    probe.wait(lambda: rebuild.service_is_ready() and state.service_is_ready(), "the services")
    probe.settle()

    began_s, rebuilt = time.monotonic(), rebuild.call_async(Trigger.Request())
    waits_s = list[float]()
    while not rebuilt.done():
        asked_s, answer = time.monotonic(), state.call_async(GetState.Request())
        probe.wait(answer.done, "the state")
        waits_s.append(time.monotonic() - asked_s)
        time.sleep(0.02)
    took_s = time.monotonic() - began_s
    assert rebuilt.result().success, rebuilt.result().message
    # Else each of them waits for all of it; a busy machine may hold up a single one.
    assert len(waits_s) >= 5
    assert statistics.median(waits_s) < took_s / 2
    probe.wait(lambda: len(maps) == 2, "the rebuilt map")
    assert same_map(*map(from_map_message, maps))

    # Ctrl-C does not wait for a map that nobody wants any more.
    def is_at_work() -> bool:
        """Whether a rebuild has begun and goes on; a busy machine may pause until it is over."""
        again = rebuild.call_async(Trigger.Request())
        # What was asked before the first answer has begun by the second.
        for _ in range(2):
            answer = state.call_async(GetState.Request())
            probe.wait(answer.done, "the state")
        return not again.done()

    probe.wait(is_at_work, "a rebuild at work")
    published = process.output.count("published a map")
    process.popen.send_signal(signal.SIGINT)
    assert process.popen.wait(60) == 0
    # It was given up.
    assert "the mapper is cleaned up or ends" in process.output
    assert process.output.count("published a map") == published
    assert "Traceback" not in process.output
