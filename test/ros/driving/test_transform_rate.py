"""`map` -> `odom` comes at its own rate, however long the network takes for an image."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus, ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from tf2_msgs.msg import TFMessage

from dmn_core.belief_monitor import LocalizerStatus as CoreStatus
from dmn_core.belief_monitor import State
from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.fix import Fix
from dmn_core.pose_track import compose
from dmn_ros.diagnostics import Counts
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.map_to_odom import MapToOdom
from dmn_ros.qualities import EVERYTHING, LATCHED
from dmn_ros.silence import SilenceWatch
from dmn_ros.standing import StandingKeeper

SECOND = 1_000_000_000
RATE_HZ = 50.0
# Enough for an image to take many periods of the transform on any computer.
PARTICLES = 4_000
IMAGES = 3
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "max_particles": PARTICLES,
    "min_particles": 0,
    "resampling": "never",
    "recovery_alpha_fast": 0.0,
    # Each image is weighed, and whatever these weights say is believed.
    "update_min_d": 0.0,
    **{f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")},
    "set_initial_pose": True,
    "transform_rate": RATE_HZ,
}


@pytest.mark.parametrize(("latency_s", "lead_s"), [(0.3, 1.0), (2.5, 1.0), (1e6, None)])
def test_repeats_are_ahead_of_now_however_long_an_image_took(
    ros_context: Any, latency_s: float, lead_s: float | None
) -> None:
    """Else a planner that looks for the transform of now would not find it."""
    sent: list[int] = []
    clock = SimpleNamespace(nanoseconds=10**7 * SECOND)
    node = SimpleNamespace(
        parameters=LocalizerParameters(transform_tolerance=1.0),
        get_clock=lambda: SimpleNamespace(now=lambda: clock),
        make_publisher=lambda *_: SimpleNamespace(
            publish=lambda m: sent.append(stamp_ns(m.transforms[0].header.stamp))
        ),
    )
    transform, image = MapToOdom(node), clock.nanoseconds - round(latency_s * SECOND)
    transform.send(a_fix(image))
    assert sent == [image + SECOND]
    for _ in range(5):
        clock.nanoseconds += SECOND // 20
        transform.repeat()
        # As far as the stamps of a bag are from the clock, they go on with it.
        lead = image + SECOND + SECOND // 20 * (len(sent) - 1) - clock.nanoseconds
        expected = lead if lead_s is None else lead_s * SECOND
        assert sent[-1] - clock.nanoseconds == expected
    assert len(sent) == 6


def a_fix(stamp: int) -> Fix:
    return Fix(
        stamp_ns=stamp,
        pose_map_base=np.zeros(3),
        covariance=np.eye(3),
        pose_odom_base=np.zeros(3),
        particles_map_base=np.zeros((1, 3)),
        weights=np.ones(1),
        latency_s=0.0,
        status=CoreStatus(state=State.TRACKING),
    )


class Arrivals:
    """Stamps of transforms and poses [ns], and how long images took [s].

    The stamp of a transform goes on with the clock of the localizer, so that it tells when it was
    made, however late it comes to a busy listener.
    """

    def __init__(self, probe: Any) -> None:
        self.transforms: list[int] = []
        self.poses: list[int] = []
        self._took_s: dict[int, float] = {}
        probe.node.create_subscription(TFMessage, "tf", self._on_transforms, EVERYTHING)
        probe.node.create_subscription(LocalizerStatus, "status", self._on_status, EVERYTHING)
        probe.node.create_subscription(PoseWithCovarianceStamped, "pose", self._on_pose, EVERYTHING)

    def _on_transforms(self, message: TFMessage) -> None:
        told = [t.header for t in message.transforms if t.header.frame_id == "map"]
        self.transforms += [stamp_ns(header.stamp) for header in told]

    def _on_status(self, message: LocalizerStatus) -> None:
        self._took_s[stamp_ns(message.header.stamp)] = message.inference_ms / 1000

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        self.poses.append(stamp_ns(message.header.stamp))

    @property
    def latencies_s(self) -> list[float]:
        """Of the images that have a pose."""
        return [self._took_s[stamp] for stamp in self.poses if stamp in self._took_s]


def test_images_that_take_long_leave_no_gaps_in_the_transform(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    start("localizer", weights=scene.weights, **SETTINGS)
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot, arrivals = drive(), Arrivals(probe)
    begin_s, ticks = time.monotonic(), 0

    def drive_on() -> bool:
        """Odometry and images at the rates of a robot; the worker always has one that waits."""
        nonlocal ticks
        while (now_s := time.monotonic() - begin_s) > 0.05 * ticks:
            stamp = time.time_ns()
            robot.move(stamp, 0.1 * now_s)
            if ticks % 4 == 1:
                robot.picture(stamp - SECOND // 100)
            ticks += 1
        return len(arrivals.latencies_s) > IMAGES

    probe.wait(drive_on, "images to be done")
    # Until now; some may still be on their way.
    until_ns = time.time_ns() + SECOND
    probe.wait(lambda: drive_on() and arrivals.transforms[-1] >= until_ns, "the transforms")
    latency_s = float(np.median(arrivals.latencies_s))
    made_s = (np.array(arrivals.transforms) - arrivals.transforms[0]) / SECOND
    assert latency_s > 6 / RATE_HZ
    # From the first pose to the last, with the worker busy all the time.
    assert made_s[-1] > 0.7 * latency_s * IMAGES
    # The first one bears the time of an image that is as old as that.
    steps_s = np.sort(np.diff(made_s)[1:])
    # A busy machine may pause once; to wait for the images would leave a gap at each of them.
    assert steps_s[-2] < latency_s / 2
    assert np.median(steps_s) < 2 / RATE_HZ


def test_corrections_are_taken_over_bit_by_bit_where_that_is_asked_for(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    few = {"max_particles": 128, "resampling": "effective_size", "camera": "none"}
    slow = {"transform_smoothing": 60.0, "transform_rate": 0.0}
    start("localizer", weights=scene.weights, **{**SETTINGS, **few, **slow})
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot, seen = drive(), 0

    def look() -> tuple[int, np.ndarray]:
        """The stamp of one more image, and where the robot says it was."""
        nonlocal seen
        seen += 1
        stamp = 1_000 * SECOND + seen * SECOND // 5
        return stamp, robot.look(stamp, 0.5 * seen)

    def off_m() -> float:
        """How far the robot is by the transform from its pose, after one more image."""
        stamp, at = look()
        # Stamped `transform_tolerance` after the image.
        sent = probe.wait(lambda: transform_of(robot, stamp + SECOND), "the transform")
        shift, turn = sent.translation, sent.rotation
        pose_map_odom = (shift.x, shift.y, 2 * np.arctan2(turn.z, turn.w))
        return float(np.hypot(*(compose(pose_map_odom, (0.5 * seen, 0.0, 0.0))[:2] - at)))

    probe.wait(lambda: look() and robot.told_ns, "transforms")
    # These weights know nothing, so that the estimate wanders by itself.
    assert max(off_m() for _ in range(6)) > 1e-2
    robot.set(transform_smoothing=0.0, covariance_source="mode")
    assert off_m() < 1e-3
    told = robot.poses[-1]
    status = probe.wait(lambda: said_at(robot.statuses, told.header.stamp), "the status")
    np.testing.assert_allclose(told.pose.covariance, status.modes[0].covariance, rtol=1e-6)
    assert status.inference_ms > 0


@pytest.mark.parametrize(
    ("latency_s", "told_ms"), [(0.3, 300.0), (20.0, 20_000.0), (1e6, 0.0), (-5.0, 0.0)]
)
def test_ages_are_told_where_the_clock_is_that_of_the_stamps(
    latency_s: float, told_ms: float
) -> None:
    clock = SimpleNamespace(nanoseconds=10**7 * SECOND)
    node = SimpleNamespace(
        parameters=LocalizerParameters(camera_timeout=5.0),
        get_clock=lambda: SimpleNamespace(now=lambda: clock),
    )
    keeper = StandingKeeper(node)
    standing = keeper.take(a_fix(clock.nanoseconds - round(latency_s * SECOND)))
    assert standing.latency_ms == standing.image_age_ms == pytest.approx(told_ms)
    clock.nanoseconds += 2 * SECOND
    later = keeper.now(Counts().snapshot(), SilenceWatch(), has_map=True)
    assert later.latency_ms == pytest.approx(told_ms)
    assert later.image_age_ms == pytest.approx(told_ms + 2000.0 if told_ms else 0.0)


def said_at(statuses: list[Any], stamp: Any) -> Any:
    """The status of an image."""
    return next((said for said in statuses if said.header.stamp == stamp), None)


def transform_of(robot: Any, stamp: int) -> Any:
    """What was sent with a stamp."""
    sent = [t for message in robot.heard for t in message.transforms]
    return next((t.transform for t in sent if stamp_ns(t.header.stamp) == stamp), None)
