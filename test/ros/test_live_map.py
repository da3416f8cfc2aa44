"""Maps change while robots drive: views are added, shared and removed, and beliefs go on."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from dmn.msg import LocalizerStatus, ViewMap
from dmn.srv import RemoveViews
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, TransformStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import from_map_message
from dmn_ros.qualities import LATCHED, MANY_LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
RANDOM = np.random.default_rng(0)


def image(stamp_ns: int) -> Image:
    picture = RANDOM.integers(0, 255, 32 * 32 * 3, dtype=np.uint8)
    size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
    return Image(header=header(stamp_ns, "camera"), data=picture.tobytes(), **size)


def at(stamp_ns: int, x: float, y: float, yaw: float = 0.0) -> PoseStamped:
    return PoseStamped(header=header(stamp_ns, "map"), pose=to_pose(np.array([x, y, yaw])))


def estimate(stamp_ns: int, x: float, y: float, *, std: float) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(stamp_ns, "map"))
    message.pose.pose = to_pose(np.array([x, y, 0.0]))
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = std**2
    message.pose.covariance = covariance
    return message


def newest(maps: list[Any], probe: Any, *, views: int) -> ViewMap:
    probe.wait(lambda: maps and maps[-1].n_views == views, f"a map of {views} views")
    message: ViewMap = maps[-1]
    return message


def see(images: Any, poses: Any, stamp_ns: int, at_place: Callable[[int], PoseStamped]) -> None:
    """An image between two poses, which are those of a place."""
    for off in (-SECOND // 5, SECOND // 5):
        poses.publish(at_place(stamp_ns + off))
    images.publish(image(stamp_ns))


def show_until(condition: Callable[[], bool], probe: Any, show: Callable[[int], None]) -> None:
    """Show something, again after a long while: best effort may lose it on a busy machine."""
    for number in range(3):
        show(number)
        with suppress(AssertionError):
            probe.wait(condition, "what was shown to be taken in", seconds=20)
            break
    assert condition()


def test_views_are_added_while_a_robot_is_localized(
    probe: Any, mapper: Any, start: Any, scene: Any
) -> None:
    mapper(live_poses="pose", publish_period_s=0.1, robot_name="r1", refresh_s=1e6)
    process = start(
        "localizer",
        weights=scene.weights,
        device="cpu",
        threads=1,
        min_particles=128,
        max_particles=128,
        resampling="never",
        image_queue="all",
    )
    maps = probe.listen(ViewMap, "map", LATCHED)
    first = newest(maps, probe, views=5)
    assert set(first.sources) == {"context"}
    assert min(first.stamps_ns) > 0
    probe.wait_for_state("map_views", "5")
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")
    probe.wait(lambda: images.get_subscription_count() == 2, "mapper and localizer")
    odometry = probe.publisher(Odometry, "odom")
    starts = probe.publisher(PoseWithCovarianceStamped, "initialpose")
    # Latched, as the localizer may not know of this listener yet at the first pose.
    estimates = probe.listen(PoseWithCovarianceStamped, "pose", LATCHED)
    starts.publish(estimate(0, 3.0, -2.0, std=0.1))
    probe.wait(lambda: "starting at" in process.output, "the start")

    def look(number: int) -> tuple[float, float]:
        """An image with odometry that has moved on: distance from the start, and deviation."""
        stamp = START + number * SECOND
        # Two of them: after a gap, one alone may have a stray stamp.
        for later in (0, SECOND // 20):
            message = Odometry(header=header(stamp + later, "odom"), child_frame_id="base_link")
            message.pose.pose = to_pose(np.array([0.3 * number, 0.0, 0.0]))
            odometry.publish(message)
        images.publish(image(stamp))
        probe.wait(lambda: estimates[-1].header == header(stamp, "map"), "the localizer's pose")
        pose = estimates[-1].pose
        off = np.hypot(pose.pose.position.x - 3.0, pose.pose.position.y + 2.0)
        return float(off), float(np.sqrt(pose.covariance[0] + pose.covariance[7]))

    assert max(look(0)) < 0.5

    def show_between(number: int) -> None:
        stamp = START + (1 + number) * 10 * SECOND
        poses.publish(at(stamp - SECOND // 5, 30.0, 30.0))
        poses.publish(at(stamp + SECOND // 5, 30.4, 30.0))
        images.publish(image(stamp))

    def show_again_and_elsewhere(number: int) -> None:
        for seconds, x, y in ((100, 30.2, 30.1), (101, -30.0, 30.0)):
            stamp = START + (seconds + 10 * number) * SECOND
            poses.publish(at(stamp, x, y))
            images.publish(image(stamp))

    # Between two poses; then the same place again, which tells nothing new; then another one.
    show_until(lambda: maps[-1].n_views == 6, probe, show_between)
    grown = maps[-1]
    new = list(grown.sources).index("r1")
    viewpoint = grown.viewpoints[3 * new : 3 * new + 3]
    np.testing.assert_allclose(viewpoint, [30.2, 30.0, 0.0], atol=1e-5)
    assert (grown.stamps_ns[new] - START) / SECOND in (10, 20, 30)
    assert set(first.view_ids) < set(grown.view_ids)
    assert len(grown.data) < 6 * 8192  # even of weights that nobody trained
    assert from_map_message(grown).n_views == 6
    show_until(lambda: maps[-1].n_views == 7, probe, show_again_and_elsewhere)

    # The localizer uses the new views and still knows where it is.
    probe.wait_for_state("map_views", "7")
    off, deviation = look(3)
    assert off < 2.0
    assert deviation < 1.0


def test_robots_share_their_maps(probe: Any, mapper: Any, start: Any, scene: Any) -> None:
    mapper(share_in='["/b/map"]', publish_period_s=0.1)
    other = start(
        "mapper",
        remap={"__ns": "/b"},
        weights=scene.weights,
        device="cpu",
        threads=1,
        live_poses="pose_with_covariance",
        share_in='["/map"]',
        publish_period_s=0.1,
    )
    ours = probe.listen(ViewMap, "map", LATCHED)
    theirs = probe.listen(ViewMap, "/b/map", LATCHED)
    newest(theirs, probe, views=5)
    poses = probe.publisher(PoseWithCovarianceStamped, "/b/pose")
    images = probe.publisher(Image, "/b/image")
    statuses = probe.publisher(LocalizerStatus, "/b/status")
    # A robot that does not know where it is adds nothing, nor one that is sure and may be wrong;
    # then it knows. Whichever of pose and status comes first.
    # Images are close together: what lies between two good poses is not known for that.
    lost, tracking = LocalizerStatus.LOST, LocalizerStatus.TRACKING
    sure = (0.01, tracking, 0.9)
    drive = [(2.0, tracking, 0.9), sure, (0.01, lost, 0.9), (0.01, tracking, 0.5), sure]
    whys = ("is LOST", "confidence 0.50 is below", "best mode is 2.00 m")

    def drive_there(lap: int) -> None:
        for number, (std, state, confidence) in enumerate(drive):
            stamp = START + lap * 100 * SECOND + number * SECOND // 5
            images.publish(image(stamp))
            told = LocalizerStatus(header=header(stamp, "map"), state=state, confidence=confidence)
            told.modes = [estimate(stamp, 30.0 * number, 30.0, std=std).pose]
            speak = [
                lambda s=told: statuses.publish(s),
                lambda t=stamp, n=number, d=std: poses.publish(estimate(t, 30.0 * n, 30.0, std=d)),
            ]
            for say in speak if number % 2 else speak[::-1]:
                say()

    def is_heard() -> bool:
        return theirs[-1].n_views == 7 and all(why in other.output for why in whys)

    show_until(is_heard, probe, drive_there)
    probe.wait(lambda: list(ours[-1].view_ids) == list(theirs[-1].view_ids), "one map of both")
    shared = theirs[-1]
    assert sorted(shared.sources) == ["b", "b", *["context"] * 5]
    of_robot = [i for i, source in enumerate(shared.sources) if source == "b"]
    assert sorted(shared.viewpoints[3 * i] for i in of_robot) == [30.0, 120.0]
    name = next(i for i, s in zip(shared.view_ids, shared.sources, strict=True) if s == "b")
    request = RemoveViews.Request(view_ids=[name])
    answer = probe.call(RemoveViews, "/b/mapper/remove_views", request)
    assert answer.success, answer.message
    assert name not in newest(theirs, probe, views=6).view_ids
    again = probe.call(RemoveViews, "/b/mapper/remove_views", request)
    assert not again.success
    assert name in again.message
    aged = probe.call(RemoveViews, "mapper/remove_views", RemoveViews.Request(older_than_s=1.0))
    assert not aged.success
    assert "would be gone" in aged.message


def test_a_stale_view_gives_way_and_the_map_stays_small(probe: Any, mapper: Any) -> None:
    mapper(live_poses="pose", publish_period_s=0.1, robot_name="r1", refresh_s=10.0, max_views=6)
    maps = probe.listen(ViewMap, "map", LATCHED)
    newest(maps, probe, views=5)
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")

    def of_robot() -> list[tuple[int, float]]:
        told = maps[-1]
        where = [i for i, source in enumerate(told.sources) if source == "r1"]
        return [(told.stamps_ns[i] // SECOND, told.viewpoints[3 * i]) for i in where]

    def visit_and_find(seconds: int, x: float, *views: tuple[int, float]) -> None:
        """Visit a place, each time a little later; these are then the views of the robot."""
        wanted = [(START // SECOND + stamp, place) for stamp, place in views]

        def visit(number: int) -> None:
            stamp = START + seconds * SECOND + number * SECOND // 10
            see(images, poses, stamp, lambda s: at(s, x, 30.0))

        show_until(lambda: of_robot() == wanted, probe, visit)
        assert maps[-1].n_views <= 6

    visit_and_find(0, 30.0, (0, 30.0))
    visit_and_find(20, 30.0, (20, 30.0))
    # One more than there may be: the context gives way, as views are spread widely.
    visit_and_find(21, -30.0, (20, 30.0), (21, -30.0))
    assert maps[-1].n_views == 6


def test_old_views_go_once_there_are_new_ones(probe: Any, mapper: Any) -> None:
    mapper(live_poses="pose", publish_period_s=0.1, robot_name="r1", max_view_age_s=3600.0)
    maps = probe.listen(ViewMap, "map", LATCHED)
    # All are older than an hour, but there is nothing else.
    newest(maps, probe, views=5)
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")

    def show(_: int) -> None:
        see(images, poses, time.time_ns(), lambda s: at(s, 30.0, 30.0))

    show_until(lambda: maps[-1].n_views == 1, probe, show)
    assert list(maps[-1].sources) == ["r1"]


def test_views_are_where_tf_static_has_the_camera(probe: Any, mapper: Any) -> None:
    """A camera half a metre ahead of the robot, which looks to the left."""
    process = mapper(
        live_poses="pose",
        publish_period_s=0.1,
        robot_name="r1",
        camera_pose_source="tf",
        # That of a parameter does not count.
        pose_base_camera="[5.0, 5.0, 0.0]",
        context_bag=None,
    )
    maps = probe.listen(ViewMap, "map", LATCHED)
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")

    def visit(number: int) -> None:
        place = (30.0, 20.0 * number, np.pi / 2)
        see(images, poses, START + number * SECOND, lambda s: at(s, *place))

    numbers = itertools.count()

    def is_refused() -> bool:
        # A best-effort image may be lost on a busy machine.
        visit(next(numbers))
        return "connects 'base_link' not to 'camera'" in process.output

    probe.wait(is_refused, "a refusal")
    assert not maps
    static = probe.publisher(TFMessage, "tf_static", MANY_LATCHED)
    link = TransformStamped(header=header(0, "base_link"), child_frame_id="camera")
    link.transform.translation.x = 0.5
    link.transform.rotation.z = link.transform.rotation.w = np.sqrt(0.5)
    static.publish(TFMessage(transforms=[link]))

    def is_seen() -> bool:
        # An image may overtake the transform.
        visit(next(numbers))
        return bool(maps)

    probe.wait(is_seen, "a map")
    views = np.reshape(maps[0].viewpoints, (-1, 3))
    seen = (np.array(maps[0].stamps_ns) - START) / SECOND
    # The first one, at least, came before anybody knew where the camera is.
    assert seen.min() >= 1
    np.testing.assert_allclose(views[:, 0], 30.0, atol=1e-4)
    np.testing.assert_allclose(views[:, 1], 20.0 * seen + 0.5, atol=1e-4)
    np.testing.assert_allclose(np.cos(views[:, 2]), -1.0, atol=1e-5)
