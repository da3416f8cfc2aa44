"""Frames: where the camera is, where odometry is, and poses of other frames."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped, Transform, TransformStamped
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage
from transforms3d.euler import euler2quat

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.data.ros_transforms import Transforms, planar, planar_camera, to_matrix
from dmn_core.errors import DecodingError
from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_initial_belief, to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import to_map_message
from dmn_ros.qualities import LATCHED, MANY_LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND


def link(
    parent: str,
    child: str,
    xyz: tuple[float, float, float],
    rpy: tuple[float, float, float] = (0.0, 0.0, 0.0),
    stamp: int = 0,
) -> TransformStamped:
    made = TransformStamped(header=header(stamp, parent), child_frame_id=child)
    shift, turn = made.transform.translation, made.transform.rotation
    shift.x, shift.y, shift.z = xyz
    turn.w, turn.x, turn.y, turn.z = euler2quat(*rpy)
    return made


OPTICAL = (-math.pi / 2, 0.0, -math.pi / 2)


def robot(*, camera_yaw: float = 0.5) -> Transforms:
    known = Transforms()
    known.add(
        TFMessage(
            transforms=[
                link("base_footprint", "base_link", (0.0, 0.0, 0.1)),
                link("base_link", "mast", (0.2, 0.1, 0.5), (0.0, 0.0, camera_yaw)),
                link("mast", "camera_optical", (0.1, 0.0, 0.0), OPTICAL),
                link("odom", "base_footprint", (1.0, 2.0, 0.0), (0.0, 0.0, math.pi / 2)),
            ]
        )
    )
    return known


def test_an_optical_frame_looks_along_z_and_others_along_x() -> None:
    known = robot()
    for frame in ("camera_optical", "mast"):
        matrix = known.find("base_footprint", frame)
        assert matrix is not None
        assert planar_camera(matrix, frame)[2] == pytest.approx(0.5)
    matrix = known.find("base_footprint", "camera_optical")
    assert matrix is not None
    x, y, _ = planar_camera(matrix, "camera_optical")
    assert (x, y) == pytest.approx((0.2 + 0.1 * math.cos(0.5), 0.1 + 0.1 * math.sin(0.5)))
    assert matrix[2, 3] == pytest.approx(0.6)


def test_chains_go_up_and_down_and_end() -> None:
    known = robot()
    to_base, to_odom = known.find("odom", "base_link"), known.find("mast", "odom")
    assert to_base is not None
    np.testing.assert_allclose(planar(to_base), [1.0, 2.0, math.pi / 2])
    there_and_back = known.find("odom", "mast")
    assert to_odom is not None
    assert there_and_back is not None
    np.testing.assert_allclose(there_and_back @ to_odom, np.eye(4), atol=1e-12)
    assert known.find("odom", "elsewhere") is None
    assert known.is_above("base_footprint", "mast")
    assert not known.is_above("mast", "base_link")
    known.add(TFMessage(transforms=[link("mast", "odom", (0.0, 0.0, 0.0))]))
    assert known.find("elsewhere", "mast") is None


def test_what_is_no_transform_and_no_view_along_the_floor_is_left_out() -> None:
    assert to_matrix(Transform()) is not None
    bad = Transform()
    bad.translation.x = math.nan
    assert to_matrix(bad) is None
    down = to_matrix(link("base", "camera", (0.0, 0.0, 1.0), (0.0, math.pi / 2, 0.0)).transform)
    assert down is not None
    with pytest.raises(DecodingError, match="along the floor"):
        planar_camera(down, "camera")


@pytest.mark.parametrize("name", ["camera", "camera_optical"])
@pytest.mark.parametrize(
    ("roll_deg", "pitch_deg", "good"),
    [
        (0, 20, True),
        (-20, 0, True),
        (0, 45, False),
        (0, -70, False),
        (90, 0, False),
        (180, 0, False),
    ],
)
def test_cameras_that_are_not_level_and_upright_are_refused(
    name: str, roll_deg: float, pitch_deg: float, good: bool
) -> None:
    known = Transforms()
    turned = (math.radians(roll_deg), math.radians(pitch_deg), 0.5)
    known.add(TFMessage(transforms=[link("base", "camera", (0.3, 0.0, 0.5), turned)]))
    known.add(TFMessage(transforms=[link("camera", "camera_optical", (0.0, 0.0, 0.0), OPTICAL)]))
    matrix = known.find("base", name)
    assert matrix is not None
    if good:
        assert planar_camera(matrix, name) == pytest.approx((0.3, 0.0, 0.5))
        return
    tilt_deg = max(abs(roll_deg), abs(pitch_deg))
    with pytest.raises(DecodingError, match=f"{tilt_deg} degrees from upright"):
        planar_camera(matrix, name)


def initial_pose(frame: str, x: float, y: float, yaw: float) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(0, frame))
    message.pose.pose = to_pose(np.array([x, y, yaw]))
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = 0.25, 0.04, 0.01
    message.pose.covariance = covariance
    return message


def test_a_start_in_another_frame_turns_with_its_covariance() -> None:
    start = to_initial_belief(
        initial_pose("odom", 1.0, 0.0, 0.0),
        map_frame="map",
        particles=5,
        pose_map_frame=np.array([10.0, 0.0, math.pi / 2]),
    )
    np.testing.assert_allclose(start.pose_map_base, (10.0, 1.0, math.pi / 2), atol=1e-12)
    np.testing.assert_allclose(np.diag(start.covariance), (0.04, 0.25, 0.01), atol=1e-12)


def map_message(weights: Any) -> ViewMap:
    localizer = load_localizer(weights, device="cpu")
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    poses = np.array([[15.0, 9.0, 0.0], [-15.0, -9.0, 1.0]])
    return to_map_message(localizer.build_map(Views(images, poses)), stamp_ns=1, frame_id="map")


def test_a_robot_in_a_namespace_lives_by_tf_alone(probe: Any, start: Any, scene: Any) -> None:
    process = start(
        "localizer",
        remap={"__ns": "/robot"},
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=64,
        camera_pose_source="tf",
        odometry_source="tf",
        transform_rate=0.0,
        recovery_alpha_fast=0.0,
    )
    maps = probe.node.create_publisher(ViewMap, "robot/map", LATCHED)
    maps.publish(map_message(scene.weights))
    poses = probe.listen(PoseWithCovarianceStamped, "robot/pose")
    heard = probe.listen(TFMessage, "robot/tf")
    images = probe.publisher(Image, "robot/image")
    moving = probe.publisher(TFMessage, "robot/tf")
    probe.wait_for_state("map_views", "2")
    probe.statuses("robot/")
    named = ("localizer", "/robot")
    probe.wait(lambda: named in probe.node.get_node_names_and_namespaces(), "the node's name")
    # Nothing of it goes by names that two robots would share.
    ours = probe.node.get_publisher_names_and_types_by_node("localizer", "/robot")
    shared = {name for name, _ in ours if not name.startswith("/robot/")}
    assert shared <= {"/diagnostics", "/rosout", "/parameter_events"}

    numbers = itertools.count()

    def see() -> None:
        stamp = START + next(numbers) * SECOND // 10
        moving.publish(TFMessage(transforms=[link("odom", "base_link", (2.0, 0, 0), stamp=stamp)]))
        picture = Image(header=header(stamp, "camera_optical"), height=32, width=32, step=96)
        picture.encoding, picture.data = "rgb8", bytes(32 * 32 * 3)
        images.publish(picture)

    def is_dropped() -> bool:
        # A best-effort image may be lost on a busy machine.
        see()
        return "dropped_no_camera_pose" in probe.state()

    def is_posed() -> bool:
        see()
        return bool(poses)

    # tf is full, but not of what is wanted.
    moving.publish(TFMessage(transforms=[link("odom", "base_footprint", (2.0, 0, 0), stamp=START)]))
    probe.wait(
        lambda: (
            "no odometry (odom to base_link) came on '/robot/tf'"
            in probe.heard["/diagnostics"][-1].status[0].message
        ),
        "the frames that are missing",
    )
    probe.wait(is_dropped, "an image without a camera pose")
    static = probe.publisher(TFMessage, "robot/tf_static", MANY_LATCHED)
    static.publish(
        TFMessage(transforms=[link("base_link", "camera_optical", (0.3, 0.0, 0.5), OPTICAL)])
    )
    assert static.wait_for_all_acked()
    starts = probe.publisher(PoseWithCovarianceStamped, "robot/initialpose")
    starts.publish(initial_pose("map", 5.0, 5.0, 0.0))
    probe.wait(lambda: "starting at" in process.output, "the start")
    probe.wait(is_posed, "a pose")

    def told() -> list[Any]:
        return [t for m in heard for t in m.transforms if t.header.frame_id == "map"]

    # Topics may overtake each other.
    ours_on_tf = probe.wait(told, "map to odom")
    assert stamp_ns(ours_on_tf[0].header.stamp) == stamp_ns(poses[0].header.stamp) + SECOND
    # The pose that was told is at the place where odometry says 2 m.
    assert ours_on_tf[0].transform.translation.x == pytest.approx(
        poses[0].pose.pose.position.x
        - 2.0 * math.cos(2 * math.atan2(*_turn(ours_on_tf[0].transform))),
        abs=1e-6,
    )


def _turn(transform: Transform) -> tuple[float, float]:
    return transform.rotation.z, transform.rotation.w
