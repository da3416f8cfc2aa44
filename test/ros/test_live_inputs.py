"""What comes to a mapper while a robot drives is bounded, and nothing that is wrong ends it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import rclpy
import torch
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseStamped
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.image_shelf import ImageShelf
from dmn_ros.live_views import MOST_WAIT_S, MOST_WAITING_BYTES
from dmn_ros.mapper_node import MapperNode
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND


def at(number: int, x: float) -> PoseStamped:
    stamp = START + number * SECOND
    return PoseStamped(header=header(stamp, "map"), pose=to_pose(np.array([x, 30.0, 0.0])))


def jpeg(number: int, *, width: int = 32) -> CompressedImage:
    picture = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    done, data = cv2.imencode(".jpg", picture)
    assert done
    raw = bytearray(data.reshape(-1).tobytes())
    place = raw.index(b"\xff\xc0") + 7
    raw[place : place + 2] = width.to_bytes(2, "big")
    if width > 32:
        raw[place - 2 : place] = width.to_bytes(2, "big")
    return CompressedImage(
        header=header(START + number * SECOND, "camera"), format="jpeg", data=bytes(raw)
    )


def camera_info(focal: float) -> CameraInfo:
    k = [focal, 0.0, 15.5, 0.0, focal, 15.5, 0.0, 0.0, 1.0]
    return CameraInfo(height=32, width=32, distortion_model="plumb_bob", k=k, d=[0.0] * 5)


def test_views_wait_for_the_camera_and_bad_ones_are_survived(probe: Any, mapper: Any) -> None:
    process = mapper(live_poses="pose", image_transport="compressed", publish_period_s=0.1)
    maps = probe.listen(ViewMap, "map", LATCHED)
    # Before those of images: who hears an image knows that a camera_info will come.
    cameras = probe.publisher(CameraInfo, "camera_info")
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(CompressedImage, "image/compressed")
    numbers = itertools.count()

    def is_said(words: str) -> bool:
        return words in process.output

    def see_until(condition: Callable[[], bool], x: float, **settings: int) -> None:
        """Best-effort messages may be lost on a busy machine: others come after a long while."""
        for number in itertools.islice(numbers, 3):
            images.publish(jpeg(number, **settings))
            poses.publish(at(number, x))
            with suppress(AssertionError):
                probe.wait(condition, "what an image brings about", seconds=20)
                break
        assert condition()

    def tell_until(words: str, focal: float) -> None:
        """The same camera_info again and again, as one may be lost, until something is said."""
        probe.wait(lambda: cameras.publish(camera_info(focal)) or is_said(words), words)

    probe.wait(lambda: maps, "the first map")
    see_until(lambda: is_said("came before its camera_info"), 0.0)

    # The same wrong calibration again and again is wrong once.
    for _ in range(3):
        cameras.publish(camera_info(float("nan")))
    tell_until("camera_info' refused", float("nan"))
    # While it is not known what the camera sees, no image is taken.
    see_until(lambda: is_said("image refused: '/camera_info' refused"), 5.0)
    tell_until("the camera is that of '/camera_info'", 10.0)
    assert process.output.count("[mapper]: '/camera_info' refused") == 1

    see_until(lambda: is_said("image refused: cannot decode"), 10.0, width=65535)
    see_until(lambda: maps[-1].n_views == 6, 20.0)
    assert max(maps[-1].viewpoints[::3]) == 20.0
    assert "Traceback" not in process.output


def test_a_camera_that_was_told_of_once_and_poses_sent_best_effort_make_views(
    probe: Any, mapper: Any
) -> None:
    """As a camera driver that latches its camera_info, and a motion capture, offer them."""
    probe.node.create_publisher(CameraInfo, "camera_info", LATCHED).publish(camera_info(10.0))
    process = mapper(live_poses="pose", image_transport="compressed", publish_period_s=0.1)
    maps = probe.listen(ViewMap, "map", LATCHED)
    probe.wait(lambda: "the camera is that of '/camera_info'" in process.output, "the camera")
    poses = probe.node.create_publisher(PoseStamped, "view_pose", qos_profile_sensor_data)
    images = probe.publisher(CompressedImage, "image/compressed")
    numbers = itertools.count()

    def is_seen() -> bool:
        # The mapper may not know of the poses yet, and either may be lost.
        number = next(numbers)
        images.publish(jpeg(number))
        poses.publish(at(number, 20.0))
        return bool(maps[-1].n_views == 6)

    probe.wait(is_seen, "a view")


def test_a_localizer_that_heard_of_its_camera_once_complains_of_no_silence(
    probe: Any, start: Any, scene: Any
) -> None:
    probe.node.create_publisher(CameraInfo, "camera_info", LATCHED).publish(camera_info(10.0))
    process = start("localizer", weights=scene.weights, device="cpu", threads=1)
    probe.wait(lambda: "the camera is that of '/camera_info'" in process.output, "the camera")

    def complaint() -> str:
        reports = probe.heard["/diagnostics"]
        return str(reports[-1].status[0].message) if reports else ""

    # What never came is complained of after as long as a camera_info would be.
    probe.wait(lambda: "no image came on '/image'" in complaint(), "a silent topic")
    assert "camera_info" not in complaint()


def image(number: int) -> Image:
    data = np.random.default_rng(number).integers(0, 255, 32 * 32 * 3, dtype=np.uint8)
    size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
    stamp = START + number * SECOND
    return Image(header=header(stamp, "camera"), data=data.tobytes(), **size)


def test_a_gpu_without_memory_costs_a_view_and_not_the_node(
    scene: Any, ros_context: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    settings = {"weights": scene.weights, "device": "cpu", "live_poses": "pose"}
    words = [word for name, value in settings.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["--ros-args", *words])
    node = MapperNode()
    node.bring_up()
    try:
        views, live = node._views, node._live
        assert live is not None

        def full(*_: Any) -> bool:
            raise torch.OutOfMemoryError("CUDA out of memory")

        def see(number: int) -> None:
            views._on_image(image(number))
            views._on_pose(at(number, 10.0 * number))
            assert node._worker is not None
            done = threading.Event()
            node._worker.put(done.set)
            assert done.wait(180.0)

        with monkeypatch.context() as broken:
            broken.setattr(live, "add", full)
            see(0)
            see(1)
        assert views._refusing.counts == {"image": 2}
        see(2)
        assert live.view_map is not None
        assert live.view_map.n_views == 1
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    said = capfd.readouterr().err
    assert said.count("Traceback") == 1
    assert "OutOfMemoryError" in said


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def picture(size: int) -> Any:
    return SimpleNamespace(data=bytes(size))


def test_images_wait_within_bytes_and_seconds() -> None:
    clock, dropped = Clock(), list[str]()
    shelf = ImageShelf(
        most_bytes=100, most_s=10.0, waits="wait here", on_dropped=dropped.append, now_s=clock
    )
    first, second = shelf.put(picture(60)), shelf.put(picture(40))
    assert dropped == []
    third = shelf.put(picture(40))
    assert len(dropped) == 1
    assert dropped[0] == "more than 100 bytes of images wait here"
    assert shelf.take(first) is None
    assert len(shelf.take(second).data) == 40
    assert shelf.take(second) is None
    # One that is larger than all room is kept alone.
    huge = shelf.put(picture(500))
    assert shelf.take(third) is None
    assert len(dropped) == 2
    clock.now_s = 10.0
    shelf.tick()
    late = shelf.put(picture(1))
    assert shelf.take(huge) is None  # gave way to the newer one
    assert len(dropped) == 3
    clock.now_s = 20.0
    shelf.tick()
    assert len(dropped) == 3
    clock.now_s = 20.1
    shelf.tick()
    assert len(dropped) == 4
    assert "in 10 s" in dropped[-1]
    assert shelf.take(late) is None
    cleared = shelf.put(picture(40)), shelf.put(picture(60))
    assert shelf.clear() == 2
    assert [shelf.take(ticket) for ticket in cleared] == [None, None]
    # All room is free again.
    kept = shelf.put(picture(40)), shelf.put(picture(60))
    assert None not in [shelf.take(ticket) for ticket in kept]
    assert len(dropped) == 4


def test_the_bounds_of_waiting_are_for_a_robot() -> None:
    raw_2k = 1920 * 1080 * 3
    assert 5 * raw_2k < MOST_WAITING_BYTES < 2**28
    assert 1.0 < MOST_WAIT_S < 60.0
