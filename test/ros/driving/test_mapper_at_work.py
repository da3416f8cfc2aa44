"""A mapper whose network is busy: it answers a manager, and does what it was told in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dmn.msg import ViewMap
from dmn.srv import RemoveViews, SaveMap
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from dmn_core.map_file import load_map
from dmn_core.views import Views
from dmn_ros import live_views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import from_map_message, same_map
from dmn_ros.mapper_node import MapperNode
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
TIMEOUT_S = 180.0
PIXELS = 32 * 32 * 3
CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)


class Network:
    """A mapper's network that begins only once it may."""

    def __init__(self, node: MapperNode, monkeypatch: pytest.MonkeyPatch) -> None:
        localizer = node._localizer
        assert localizer is not None
        self.begun, self._go, build = threading.Event(), threading.Event(), localizer.build_map

        def build_map(*arguments: Any, **settings: Any) -> Any:
            self.begun.set()
            assert self._go.wait(TIMEOUT_S)
            return build(*arguments, **settings)

        monkeypatch.setattr(localizer, "build_map", build_map)
        self.go = self._go.set


class Busy:
    """A mapper of this process over DDS, with a network that waits, and what it publishes."""

    def __init__(self, probe: Any, manager: Any, node: MapperNode, network: Network) -> None:
        self.probe, self.manager, self.node, self.network = probe, manager, node, network
        self.maps = probe.listen(ViewMap, "map", LATCHED)
        self._poses = probe.publisher(PoseStamped, "view_pose")
        self._images = probe.publisher(Image, "image")

    @property
    def waiting(self) -> int:
        worker = self.node._worker
        assert worker is not None
        return len(worker._jobs)

    def see(self, number: int, *, waiting: int = 0) -> None:
        """An image from a place 20 m from the one before, with which so many jobs wait."""
        seen = header(START + number * SECOND, "map")
        size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
        self._images.publish(Image(header=seen, data=picture(number).tobytes(), **size))
        pose = to_pose(np.array([20.0 * number, 30.0, 0.0]))
        self._poses.publish(PoseStamped(header=seen, pose=pose))
        if waiting:
            self.wait(lambda: self.waiting == waiting, "the image to wait")

    def begin(self, number: int) -> None:
        """An image that the network has by then."""
        self.see(number)
        self.wait(self.network.begun.is_set, "the image to be encoded")

    def ask(self, kind: Any, name: str, request: Any) -> Any:
        """A future answer."""
        client = self.probe.node.create_client(kind, f"{self.manager.name}/{name}")
        self.probe.wait(client.service_is_ready, f"the service {name}")
        self.probe.settle()
        return client.call_async(request)

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        self.probe.wait(condition, what)

    def answer(self, future: Any) -> Any:
        self.probe.wait(future.done, "an answer")
        return future.result()

    def places(self) -> list[int]:
        """Numbers of the images whose views the newest map has."""
        return sorted(round(x / 20.0) for x in self.maps[-1].viewpoints[::3])


@pytest.fixture
def busy(
    probe: Any, manager_of: Any, running: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """An active mapper that takes every image, by a name, whose network waits from then on."""

    @contextmanager
    def run(name: str, **parameters: Any) -> Iterator[Busy]:
        settings = {
            "weights": scene.weights,
            "device": "cpu",
            "live_poses": "pose",
            "publish_period_s": 0.05,
            "qos_overrides./image.subscription.reliability": "reliable",
            "qos_overrides./view_pose.subscription.reliability": "reliable",
            **parameters,
        }
        with running(MapperNode, name, **settings) as node:
            manager = manager_of(name)
            assert manager.change(CONFIGURE, ACTIVATE)
            network = Network(node, monkeypatch)
            try:
                yield Busy(probe, manager, node, network)
            finally:
                network.go()

    return run


def test_what_a_busy_mapper_is_told_is_done_in_order(busy: Any, tmp_path: Path) -> None:
    with busy("mapper_in_order") as mapper:
        mapper.begin(0)
        told = list[Any]()
        requests = [
            (SaveMap, "save", SaveMap.Request(path=str(tmp_path / "two"))),
            (RemoveViews, "remove_views", RemoveViews.Request(view_ids=["no such view"])),
            (SaveMap, "save", SaveMap.Request(path=str(tmp_path / "three"))),
        ]
        for number, (kind, name, request) in enumerate(requests, start=1):
            mapper.see(number, waiting=2 * number - 1)
            told.append(mapper.ask(kind, name, request))
            mapper.wait(lambda n=2 * number: mapper.waiting == n, "a service to wait")

        # The executor is free: for a manager, and for whoever asks for parameters.
        assert mapper.manager.state == "active"
        names = GetParameters.Request(names=["max_views"])
        assert mapper.answer(mapper.ask(GetParameters, "get_parameters", names)).values
        assert mapper.waiting == 6
        assert not any(future.done() for future in told)
        assert mapper.maps == []

        mapper.network.go()
        saved, removed, last = map(mapper.answer, told)
        assert saved.success, saved.message
        assert last.success, last.message
        assert not removed.success
        assert "no such view" in removed.message
        mapper.wait(lambda: mapper.maps and mapper.places() == [0, 1, 2, 3], "all views")
        two, three = load_map(tmp_path / "two"), load_map(tmp_path / "three")
        assert (two.n_views, three.n_views) == (2, 4)

        # To the bit what the same images give at once.
        images = np.stack([picture(number) for number in range(4)])
        poses = np.array([[20.0 * number, 30.0, 0.0] for number in range(4)])
        localizer = mapper.node._localizer
        assert localizer is not None
        at_once = localizer.build_map(Views(images, poses))
        assert torch.equal(three.embeddings, at_once.embeddings)


def test_images_that_come_too_fast_give_way_to_newer_ones(
    busy: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_views, "MOST_WAITING_BYTES", 3 * PIXELS)
    with busy("mapper_too_slow") as mapper:
        mapper.begin(0)
        for number in range(1, 6):
            mapper.see(number, waiting=number)
        assert mapper.node._views._refusing.counts == {"overload": 2}
        mapper.network.go()
        mapper.wait(lambda: mapper.maps and len(mapper.places()) == 4, "the views that were kept")
        assert mapper.places() == [0, 3, 4, 5]
    assert f"no view: more than {3 * PIXELS} bytes of images wait for the network" in (
        capfd.readouterr().err
    )


def test_the_newest_map_of_another_robot_counts(busy: Any, simple_map: Any, scene: Any) -> None:
    with busy("mapper_of_two", share_in="[/other/map]") as mapper:
        others = mapper.probe.publisher(ViewMap, "/other/map", LATCHED)
        mapper.begin(0)
        for number, shift_m in enumerate((2000.0, 4000.0, 6000.0), start=1):
            others.publish(simple_map(scene.weights, views=1, shift_m=shift_m))
            mapper.wait(lambda n=number: mapper.waiting == n, "a map to wait")
        assert len(mapper.node._views._shared) == 1
        mapper.network.go()
        mapper.wait(lambda: mapper.maps and mapper.maps[-1].n_views == 2, "both robots' views")
        assert mapper.places() == [0, 301]
        others.publish(simple_map(scene.weights, views=1, shift_m=8000.0))
        mapper.wait(lambda: mapper.places() == [0, 301, 401], "a map that need not wait")


def test_an_inactive_mapper_drops_images_goes_on_and_is_silent(busy: Any, scene: Any) -> None:
    with busy("mapper_deactivated", context_bag=scene.context) as mapper:
        mapper.wait(lambda: mapper.maps, "the first map")
        rebuilt = mapper.ask(Trigger, "rebuild", Trigger.Request())
        mapper.wait(mapper.network.begun.is_set, "the map to be rebuilt")
        for number in (1, 2):
            mapper.see(number, waiting=number)
        assert mapper.manager.change(DEACTIVATE)
        assert mapper.manager.state == "inactive"
        assert not rebuilt.done()
        assert mapper.node._views._refusing.counts == {"inactive": 2}
        mapper.network.go()
        answer = mapper.answer(rebuilt)
        assert answer.success, answer.message
        assert "5 views" in answer.message
        mapper.wait(lambda: mapper.waiting == 0, "the worker to be done")
        assert mapper.manager.state == "inactive"
        assert len(mapper.maps) == 1
        assert mapper.manager.change(ACTIVATE)
        mapper.wait(lambda: len(mapper.maps) == 2, "the rebuilt map")
        assert same_map(*map(from_map_message, mapper.maps))


def test_a_clean_up_gives_a_rebuild_up_and_answers_who_waits(busy: Any, scene: Any) -> None:
    with busy("mapper_cleaned_up", context_bag=scene.context) as mapper:
        mapper.wait(lambda: mapper.maps, "the first map")
        assert mapper.manager.change(DEACTIVATE)
        rebuilt = mapper.ask(Trigger, "rebuild", Trigger.Request())
        mapper.wait(mapper.network.begun.is_set, "the map to be rebuilt")
        saved = mapper.ask(SaveMap, "save", SaveMap.Request(path="/nowhere"))
        mapper.wait(lambda: mapper.waiting == 1, "a service to wait")
        request = ChangeState.Request(transition=Transition(id=CLEANUP))
        cleaned = mapper.ask(ChangeState, "change_state", request)
        mapper.wait(mapper.node._is_ending.is_set, "the clean-up to begin")
        mapper.network.go()
        for answer in map(mapper.answer, (rebuilt, saved)):
            assert not answer.success
            assert "cleaned up" in answer.message
        assert mapper.answer(cleaned).success
        assert mapper.manager.change(CONFIGURE, ACTIVATE)
        mapper.wait(lambda: len(mapper.maps) == 2, "the map of the second life")
        assert same_map(*map(from_map_message, mapper.maps))
