"""Whether the pose can be trusted, as status, /diagnostics and map -> odom tell it."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from dmn.msg import LocalizerStatus, ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from std_srvs.srv import Empty

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "max_particles": 128,
    "camera": "none",
    "update_min_d": 0.0,
    "recovery_alpha_fast": 0.0,
    "set_initial_pose": True,
}


def confidences(value: float) -> dict[str, float]:
    return {f"{name}_confidence": value for name in ("tracking", "degraded", "lost")}


class Told:
    """What a localizer tells of itself, and a drive of half a metre for each image."""

    def __init__(self, probe: Any, drive: Any) -> None:
        self.probe = probe
        self.robot = drive()
        self.statuses: list[Any] = self.robot.statuses
        self.seen = 0

    def look(self) -> Any:
        """The status of one more image."""
        self.seen += 1
        stamp = START + self.seen * SECOND // 5
        self.robot.look(stamp, 0.5 * self.seen)
        return self.probe.wait(lambda: self.of(stamp), "the status of the image")

    def of(self, stamp_ns: int) -> Any:
        stamps = [s.header.stamp.sec * SECOND + s.header.stamp.nanosec for s in self.statuses]
        return self.statuses[stamps.index(stamp_ns)] if stamp_ns in stamps else None

    def report(self, state: str) -> DiagnosticStatus:
        """The report that agrees with the newest status on a state."""
        self.probe.wait_for_state("state", state)
        return self.probe.heard["/diagnostics"][-1].status[0]

    def all_is_well(self) -> bool:
        """Whether a report says so after one more image; one that came late tells of silence."""
        is_tracking = self.look().state == LocalizerStatus.TRACKING
        return is_tracking and self.report("TRACKING").level == DiagnosticStatus.OK

    def reports(self, seconds: int = 2) -> None:
        """Wait for a report that was made so much later; not one on its way."""
        until = time.time_ns() + seconds * SECOND
        heard = self.probe.heard["/diagnostics"]
        self.probe.wait(lambda: stamp_ns(heard[-1].header.stamp) >= until, "reports")


@pytest.fixture
def send_map(probe: Any, scene: Any, simple_map: Any) -> Any:
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)

    def send(*, shift_m: float = 0.0, views: int = 3) -> None:
        maps.publish(simple_map(scene.weights, views=views, shift_m=shift_m))
        probe.wait_for_state("map_views", str(views))

    return send


def test_a_robot_that_is_lost_says_so_and_is_found_again(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    start("localizer", weights=scene.weights, **SETTINGS, **confidences(0.0))
    send_map()
    told = Told(probe, drive)
    for _ in range(3):
        assert told.look().state == LocalizerStatus.TRACKING
    probe.wait(told.all_is_well, "a report that all is well")
    probe.wait(lambda: told.robot.told_ns, "map to odom")
    told.robot.set(**confidences(1.0), lost_images=3)
    states = [told.look().state for _ in range(4)]
    assert states == [LocalizerStatus.DEGRADED] * 2 + [LocalizerStatus.LOST] * 2
    report = told.report("LOST")
    assert report.level == DiagnosticStatus.ERROR
    assert "lost" in report.message
    # Not the one of the first of the images that it was lost at.
    told.reports(1)
    agree(told.statuses[-1], probe.state())
    heard = len(told.robot.told_ns)
    told.reports()
    assert told.look().state == LocalizerStatus.LOST
    assert len(told.robot.told_ns) == heard
    told.robot.set(**confidences(0.0))
    assert told.look().state == LocalizerStatus.TRACKING
    probe.wait(told.all_is_well, "a report that all is well")
    probe.wait(lambda: len(told.robot.told_ns) > heard, "map to odom again")


def agree(status: Any, report: dict[str, str]) -> None:
    """The message and the report tell the same of the same image."""
    assert report["reason"] == status.reason
    for name in ("confidence", "ess_ratio", "entropy", "surprise", "top_mode_mass"):
        assert float(report[name]) == pytest.approx(getattr(status, name), abs=0.006)
    for name in ("mean_log_likelihood", "injected_share"):
        assert float(report[name]) == pytest.approx(getattr(status, name), abs=0.006)
    assert int(report["modes"]) == status.num_modes == len(status.modes)
    assert status.top_mode_mass == pytest.approx(max(status.mode_masses), abs=1e-6)
    assert float(report["inference_ms"]) == pytest.approx(status.inference_ms, abs=0.1)
    # The stamps are of long ago, by another clock.
    assert float(report["latency_ms"]) == status.latency_ms == 0.0
    assert float(report["image_age_ms"]) == status.image_age_ms == 0.0


def test_changes_at_run_time_are_applied(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    start("localizer", weights=scene.weights, transform_rate=0.0, **SETTINGS, **confidences(0.0))
    send_map()
    told = Told(probe, drive)
    told.look()
    probe.wait(lambda: told.robot.told_ns, "map to odom")
    told.robot.set(tf_broadcast=False)
    told.look()
    told.reports(1)
    assert len(told.robot.told_ns) == 1
    told.robot.set(tf_broadcast=True, transform_tolerance=3.0)
    told.look()
    probe.wait(lambda: len(told.robot.told_ns) == 2, "map to odom")
    assert told.robot.told_ns[-1] == START + told.seen * SECOND // 5 + 3 * SECOND
    told.robot.set(update_min_d=100.0, update_min_a=3.0)
    assert not told.look().weighed
    told.robot.set(update_min_d=0.4)
    assert told.look().weighed
    assert told.look().success_distance_m == pytest.approx(np.sqrt(80.0))
    told.robot.set(success_distance_m=2.5)
    assert told.look().success_distance_m == 2.5


def test_without_images_it_says_what_is_missing(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    process = start(
        "localizer", weights=scene.weights, camera_timeout=2.0, **SETTINGS, **confidences(0.0)
    )
    told = Told(probe, drive)
    probe.wait(lambda: told.statuses, "a status")
    assert told.statuses[0].state == LocalizerStatus.UNINITIALIZED
    assert told.statuses[0].reason == "waiting for a map on '/map'"
    probe.call(Empty, "reinitialize_global_localization", Empty.Request())
    probe.wait(lambda: "there is no map yet" in process.output, "a word on the map")
    outside = PoseWithCovarianceStamped(header=header(0, "map"))
    outside.pose.pose = to_pose(np.array([500.0, 0.0, 0.0]))
    probe.publisher(PoseWithCovarianceStamped, "initialpose").publish(outside)
    probe.wait(lambda: "once there is a map" in process.output, "the start")
    send_map()
    probe.wait(lambda: "outside of the map's area" in process.output, "a word on the start")
    probe.wait(lambda: told.statuses[-1].reason == "no image came yet", "the reason")

    def message() -> str:
        return str(probe.heard["/diagnostics"][-1].status[0].message)

    probe.wait(lambda: "no image came on '/image'" in message(), "a silent topic")
    assert "no odometry came on '/odom'" in message()
    assert told.look().state == LocalizerStatus.TRACKING
    lacks = ("no pose for", "no image came on '/image' for")
    probe.wait(lambda: all(lack in told.statuses[-1].reason for lack in lacks), "the timeout")
    for key in ("image_rate_hz", "odometry_rate_hz"):
        probe.wait(lambda k=key: {rate > 0 for rate in rates(probe, k)} == {False, True}, key)
    assert told.statuses[-1].state == LocalizerStatus.LOST
    assert told.report("LOST").level == DiagnosticStatus.ERROR
    # Each start forgets what was known.
    probe.call(Empty, "reinitialize_global_localization", Empty.Request())
    probe.wait(lambda: told.statuses[-1].reason == "no image was localized yet", "a new start")
    assert told.report("UNINITIALIZED").level == DiagnosticStatus.WARN


def test_images_without_odometry_say_that_odometry_is_missing(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    settings = {**SETTINGS, "camera_timeout": 1.0, **confidences(0.0)}
    start("localizer", weights=scene.weights, **settings)
    send_map()
    told = Told(probe, drive)
    told.look()
    pictures = itertools.count()

    def without_odometry() -> str:
        told.robot.picture(START + SECOND + next(pictures) * SECOND // 20)
        reason = str(told.statuses[-1].reason)
        return reason if reason.startswith("no pose for") and "no image" not in reason else ""

    # On a busy machine, images may be silent for a while as well.
    reason = probe.wait(without_odometry, "the timeout")
    assert "no odometry came on '/odom' for" in reason
    assert "no odometry came on '/odom' for" in told.report("LOST").message


def test_another_map_ends_the_transform_of_the_one_before(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    process = start("localizer", weights=scene.weights, **SETTINGS, **confidences(0.0))
    send_map()
    told = Told(probe, drive)
    told.look()
    probe.wait(lambda: len(told.robot.told_ns) > 5, "map to odom, again and again")
    send_map(shift_m=1.0, views=2)
    told.reports(1)
    heard = len(told.robot.told_ns)
    told.reports()
    assert len(told.robot.told_ns) == heard
    unknown = LocalizerStatus.UNINITIALIZED
    probe.wait(lambda: told.statuses[-1].state == unknown, "the new start")
    assert told.look().last_jump_reason == LocalizerStatus.JUMP_MAP_CHANGE
    probe.wait(lambda: "the pose jumped" in process.output, "a word on the jump")
    assert "map change" in process.output


def rates(probe: Any, key: str) -> list[float]:
    """What all reports until now say of how often something came."""
    reports = [report.status[0].values for report in probe.heard["/diagnostics"]]
    return [float(v.value) for values in reports for v in values if v.key == key]


def test_no_transform_is_told_until_somebody_or_the_images_say_where_the_robot_is(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any
) -> None:
    nowhere = {**SETTINGS, "set_initial_pose": False}
    limits = {"tracking_confidence": 1.0, "degraded_confidence": 0.0, "lost_confidence": 0.0}
    start("localizer", weights=scene.weights, **nowhere, **limits)
    send_map()
    told = Told(probe, drive)
    starts = probe.publisher(PoseWithCovarianceStamped, "initialpose")
    stated = PoseWithCovarianceStamped(header=header(0, "map"))
    stated.pose.pose = to_pose(np.array([3.0, -2.0, 0.5]))
    stated.pose.covariance[[0, 7, 35]] = -1.0
    assert told.look().state == LocalizerStatus.GLOBAL
    starts.publish(stated)
    probe.wait_for_state("refused_initialpose", "1")
    assert told.look().state == LocalizerStatus.GLOBAL
    told.reports()
    assert told.robot.told_ns == []
    report = told.report("GLOBAL")
    assert report.level == DiagnosticStatus.WARN
    assert "looking everywhere: confidence" in report.message
    # One that makes sense is believed, and told from the next image on.
    stated.pose.covariance[[0, 7, 35]] = 0.01
    starts.publish(stated)
    probe.wait(lambda: told.statuses[-1].state == LocalizerStatus.UNINITIALIZED, "the new start")
    assert told.robot.told_ns == []
    assert told.look().state == LocalizerStatus.DEGRADED
    probe.wait(lambda: told.robot.told_ns, "map to odom")


@pytest.mark.parametrize("rate_hz", [0.0, 5.0, 20.0])
def test_the_transform_comes_at_its_own_rate(
    probe: Any, start: Any, scene: Any, send_map: Any, drive: Any, rate_hz: float
) -> None:
    settings = {**SETTINGS, "transform_rate": rate_hz, **confidences(0.0)}
    start("localizer", weights=scene.weights, **settings)
    send_map()
    told = Told(probe, drive)
    told.look()
    probe.wait(lambda: told.robot.told_ns, "map to odom")
    # One image and 3 s without any.
    told.reports(3)
    stamps = told.robot.told_ns
    assert stamps[0] == START + SECOND // 5 + SECOND
    if not rate_hz:
        assert len(stamps) == 1
        return
    # A busy machine delays or loses some: the middle of the steps is what the timer does.
    probe.wait(lambda: len(told.robot.told_ns) > 2 * rate_hz, "those of three seconds")
    stamps = told.robot.told_ns
    assert np.median(np.diff(stamps)) / SECOND == pytest.approx(1 / rate_hz, rel=0.4)
