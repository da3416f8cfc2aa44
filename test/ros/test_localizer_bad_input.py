"""Whatever comes in, the localizer counts it, says why, and lives on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image

from dmn_core.localization import Localizer
from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import to_map_message
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND


def image(stamp_ns: int, *, encoding: str = "rgb8", size: int = 32 * 32 * 3) -> Image:
    return Image(
        header=header(stamp_ns, "camera"),
        height=32,
        width=32,
        encoding=encoding,
        step=96,
        data=bytes(size),
    )


def odometry(
    stamp_ns: int, *, x: float = 0.0, frame: str = "odom", child: str = "base_link"
) -> Odometry:
    message = Odometry(header=header(stamp_ns, frame), child_frame_id=child)
    message.pose.pose = to_pose(np.array([x, 0.0, 0.0]))
    return message


def initial_pose(
    pose: tuple[float, float, float], *, variance: float = 0.01, frame: str = "map"
) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(0, frame))
    message.pose.pose = to_pose(np.array(pose))
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = variance
    message.pose.covariance = covariance
    return message


class Robot:
    """What a robot publishes, and what the localizer makes of it."""

    def __init__(self, probe: Any) -> None:
        self.probe = probe
        # Latched, as the localizer may not know of this listener yet at the first pose.
        self.poses = probe.listen(PoseWithCovarianceStamped, "pose", LATCHED)
        self._publishers: dict[str, Any] = {}

    def publish(self, topic: str, message: Any) -> None:
        if topic not in self._publishers:
            quality = {"quality": LATCHED} if topic == "map" else {}
            self._publishers[topic] = self.probe.publisher(type(message), topic, **quality)
        self._publishers[topic].publish(message)

    def see(self, stamp_ns: int, **settings: Any) -> None:
        self.publish("image", image(stamp_ns, **settings))

    def move(self, *stamps_ns: int, **settings: Any) -> None:
        for stamp in stamps_ns:
            self.publish("odom", odometry(stamp, **settings))

    def expect(self, key: str, value: int) -> None:
        self.probe.wait_for_state(key, str(value))


def view_map(weights: Any) -> Any:
    localizer: Localizer = load_localizer(weights, device="cpu")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    poses = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 1.0], [0.0, 5.0, 2.0]])
    return localizer.build_map(Views(images, poses))


def map_message(weights: Any) -> ViewMapMessage:
    return to_map_message(view_map(weights), stamp_ns=1, frame_id="map")


@pytest.fixture
def process(start: Any, scene: Any) -> Any:
    return start(
        "localizer",
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=64,
        image_queue="all",
    )


def test_bad_input_is_counted_and_survived(probe: Any, process: Any, scene: Any) -> None:
    robot = Robot(probe)

    # Before the map: an image is lost, a start is kept.
    robot.move(START, START + SECOND // 2, child="base_footprint")
    robot.see(START + SECOND // 4)
    robot.expect("dropped_no_map", 1)
    # Odometry of another frame is taken, and said once.
    assert process.output.count("odometry is of the frame 'base_footprint'") == 1
    robot.publish("initialpose", initial_pose((3.0, -2.0, 0.5)))
    probe.wait(lambda: "once there is a map" in process.output, "the start to be kept")

    # Maps of other weights, and maps that are damaged, are refused.
    robot.publish("map", map_message(scene.other_weights))
    robot.expect("refused_map", 1)
    # It is counted first.
    probe.wait(lambda: "made by weights" in process.output, "the reason")
    damaged = map_message(scene.weights)
    damaged.viewpoints = damaged.viewpoints[:-1]
    robot.publish("map", damaged)
    robot.expect("refused_map", 2)
    assert probe.state()["map_views"] == "0"
    robot.publish("map", map_message(scene.weights))
    robot.expect("map_views", 3)

    # The start that was kept is where the robot is now.
    robot.move(START + SECOND)
    robot.see(START + 3 * SECOND // 4)
    robot.expect("images_processed", 1)
    probe.wait(lambda: robot.poses, "a pose")
    place = robot.poses[-1].pose.pose.position
    assert np.hypot(place.x - 3.0, place.y + 2.0) < 0.5

    # Images that are no pictures.
    robot.move(START + 2 * SECOND)
    robot.see(START + SECOND + 1, encoding="32FC1")
    robot.see(START + SECOND + 2, size=100)
    robot.expect("dropped_undecodable", 2)
    robot.see(START + 1)
    robot.expect("dropped_out_of_order", 1)
    assert "32FC1" in process.output

    # Starts that make no sense.
    robot.publish("initialpose", initial_pose((float("nan"), 0.0, 0.0)))
    robot.publish("initialpose", initial_pose((0.0, 0.0, 0.0), frame="elsewhere"))
    robot.publish("initialpose", initial_pose((0.0, 0.0, 0.0), variance=-1.0))
    # Finite, and beyond arithmetic.
    robot.publish("initialpose", initial_pose((0.0, 0.0, 0.0), variance=1e308))
    robot.expect("refused_initialpose", 4)

    # Odometry that makes no sense.
    robot.move(START + 2 * SECOND, frame="map")
    robot.move(START + 2 * SECOND, x=float("inf"))
    robot.expect("refused_odom", 2)

    # A gap in odometry, then an image as it should be.
    robot.move(START + 5 * SECOND, START + 5 * SECOND + SECOND // 10)
    robot.see(START + 4 * SECOND)
    robot.expect("dropped_no_odometry", 1)
    robot.move(START + 5 * SECOND + SECOND // 2)
    robot.see(START + 5 * SECOND + SECOND // 4)
    robot.expect("images_processed", 2)

    # Time begins anew, as when a bag is played again.
    robot.move(START, START + SECOND // 2)
    robot.see(START + SECOND // 4)
    robot.expect("images_processed", 3)
    assert "time jumped back" in process.output

    # Odometry beyond single precision makes an estimate that is no number: a new start.
    robot.move(START + SECOND, x=1e300)
    robot.see(START + SECOND)
    robot.expect("dropped_not_finite", 1)
    worst = max(r.status[0].level for r in probe.heard["/diagnostics"])
    assert worst == DiagnosticStatus.ERROR
    robot.move(START + 3 * SECOND // 2, x=0.0)
    robot.see(START + 3 * SECOND // 2)
    robot.expect("images_processed", 4)
    assert process.alive
    assert process.stop() == 0
    state = probe.state()
    dropped = sum(int(value) for key, value in state.items() if key.startswith("dropped_"))
    assert int(state["images_dropped"]) == dropped
    assert int(state["images_received"]) == int(state["images_processed"]) + dropped
