"""A pose on disk: whole or not at all, and only for the map that it was in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from dmn.msg import ViewMap as ViewMapMessage
from lifecycle_msgs.msg import Transition

from dmn_core.belief_monitor import LocalizerStatus, State
from dmn_core.calibration import Calibration
from dmn_core.fix import Fix
from dmn_core.localization import Localizer, Near
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.robot import ROBOT_FILTER, RobotSettings, session_of
from dmn_core.spread import SpreadModel
from dmn_core.views import ViewMap, Views
from dmn_ros.localizer_node import LocalizerNode
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.pose_keeper import LastPose, PoseKeeper
from dmn_ros.qualities import LATCHED
from dmn_ros.saved_pose import SavedPose, SavedPoseError, read_pose, write_pose

SECOND = 1_000_000_000
COVARIANCE = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.04]])
# Many around the pose of a fix, which have that covariance for their own.
_AXES = np.concatenate([s * np.sqrt(3.0) * np.linalg.cholesky(COVARIANCE).T for s in (-1, 1)])
PARTICLES = np.tile(np.array([1.0, -2.0, 0.5]) + _AXES, (100, 1))


def fix() -> Fix:
    return Fix(
        stamp_ns=7,
        pose_map_base=np.array([1.0, -2.0, 0.5]),
        covariance=COVARIANCE,
        pose_odom_base=np.zeros(3),
        particles_map_base=PARTICLES,
        weights=np.full(len(PARTICLES), 1 / len(PARTICLES)),
        latency_s=0.0,
    )


def view_map(*xs: float, weights: str = "w") -> ViewMap:
    poses = torch.tensor([[[x, 0.0, 0.0] for x in xs]])
    return ViewMap(torch.zeros(1, len(xs), 64, 8, 8), poses, (-1.0, 1.0, -1.0, 1.0), weights)


def test_a_pose_comes_back_with_its_covariance(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "pose.json"
    write_pose(path, SavedPose.of(fix(), view_map(1.0, 2.0)))
    # A map that was edited since shares views with the one before.
    saved = read_pose(path)
    assert saved is not None
    start = saved.start_in(view_map(2.0, 3.0), particles=9)
    np.testing.assert_allclose(start.pose_map_base, (1.0, -2.0, 0.5), atol=0.02)
    np.testing.assert_allclose(start.covariance, COVARIANCE, atol=0.02)
    assert start.particles == 9
    assert [file.name for file in path.parent.iterdir()] == ["pose.json"]


@pytest.mark.parametrize("other", [view_map(5.0), view_map(1.0, weights="others")])
def test_another_map_is_refused(other: ViewMap) -> None:
    with pytest.raises(SavedPoseError, match="shares no view"):
        SavedPose.of(fix(), view_map(1.0, 2.0)).start_in(other, particles=9)


def test_the_best_mode_is_saved_without_the_doubt_in_the_estimate() -> None:
    """A restart is as wide as the particles were, however sure the calibration is of them.

    Else the factor of the calibration would be applied again at every restart.
    """
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    doubtful = Calibration(spread=SpreadModel(0.25, far_xy_m2=200.0, far_yaw_rad2=3.0))
    localizer = Localizer(network, settings=ROBOT_FILTER, calibration=doubtful)
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
    poses = np.array([[5.0, 0.0, 0.0], [-5.0, 3.0, 1.0], [0.0, -5.0, 2.0]])
    where = localizer.build_map(Views(images, poses))
    session = session_of(localizer, RobotSettings(particles=256))
    narrow = ((0.04, 0.0, 0.0), (0.0, 0.04, 0.0), (0.0, 0.0, 0.01))
    session.use_map(where, Near((1.0, -2.0, 0.5), narrow, particles=256))
    told = session.update(7, images[0], np.zeros(3))
    mode = told.status.modes[0]
    assert told.covariance[0, 0] > 1.0 > 0.2 > mode.covariance[0, 0] > 0.025**2
    start = SavedPose.of(told, where).start_in(where, particles=9)
    np.testing.assert_allclose(start.covariance, 4 * mode.covariance, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(start.pose_map_base, mode.pose_map_base)


SOUND = {
    "stamp_ns": 7,
    "pose_map_base": [1.0, -2.0, 0.5],
    "covariance": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0, 0, 1]],
    "weights_fingerprint": "w",
    "view_ids": ["a", "b"],
}
DAMAGED = [
    "",
    "{}",
    "[1]",
    '{"stamp_ns": 1}',
    "[" * 100_000,
    "\0",
    *(
        json.dumps({**SOUND, **wrong})
        for wrong in (
            {"view_ids": None},
            {"view_ids": "ab"},
            {"view_ids": [["a"]]},
            {"view_ids": [1]},
            {"weights_fingerprint": 5},
            {"stamp_ns": "7"},
            {"pose_map_base": ["1.0", "-2.0", "0.5"]},
            {"pose_map_base": [True, 0.0, 0.0]},
            {"pose_map_base": [1.0, 2.0]},
            {"pose_map_base": [10**400, 0.0, 0.0]},
            {"pose_map_base": None},
            {"covariance": 1.0},
            {"covariance": [1.0, 0.0, 0.0]},
            {"covariance": [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
            {"covariance": [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]},
            {"more": 1},
        )
    ),
]


def test_what_is_sound_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pose.json"
    assert read_pose(path) is None
    path.write_text(json.dumps(SOUND))
    assert read_pose(path) == SavedPose(**SOUND)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: text[:8])
def test_a_damaged_file_is_warned_of_and_the_robot_starts_everywhere(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "pose.json"
    path.write_text(text)
    with pytest.raises(SavedPoseError, match="pose.json holds no saved pose: ."):
        read_pose(path)
    keeper = PoseKeeper(owner := Owner(path), LastPose())
    (warning,) = owner.told
    assert str(path) in warning and warning.endswith(": starting everywhere in the map")
    assert keeper.start_in(view_map(1.0)) is None
    # The next pose takes its place.
    keeper.keep(tracked(), view_map(1.0))
    keeper.write()
    assert read_pose(path) is not None


def test_a_damaged_file_does_not_keep_the_node_from_starting(
    running: Any, manager_of: Any, scene: Any, tmp_path: Path
) -> None:
    path, name = tmp_path / "pose.json", "localizer_with_a_damaged_file"
    path.write_text('{"stamp_ns": 7')
    settings = {"saved_pose_filepath": path, "initialize_at_saved_pose": True}
    with running(LocalizerNode, name, weights=scene.weights, device="cpu", **settings):
        assert manager_of(name).change(Transition.TRANSITION_CONFIGURE)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    pose = SavedPose.of(fix(), view_map(1.0))
    pose.pose_map_base[0] = float("nan")
    write_pose(tmp_path / "pose.json", pose)
    with pytest.raises(SavedPoseError, match="nan"):
        read_pose(tmp_path / "pose.json")


def test_a_place_that_cannot_be_written_is_said() -> None:
    with pytest.raises(SavedPoseError, match="/proc"):
        write_pose(Path("/proc/pose.json"), SavedPose.of(fix(), view_map(1.0)))


def test_a_robot_that_is_switched_on_again_is_where_it_was(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any, tmp_path: Path
) -> None:
    path = tmp_path / "poses" / "robot.json"
    settings = {
        "weights": scene.weights,
        "device": "cpu",
        "threads": 1,
        "max_particles": 128,
        "image_queue": "all",  # reliable: a test sends each image once
        "resampling": "never",
        "recovery_alpha_fast": 0.0,
        "saved_pose_filepath": path,
        "initialize_at_saved_pose": True,
        # Whatever these weights say, it is believed.
        **{f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")},
    }
    maps = probe.node.create_publisher(ViewMapMessage, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    stated = {"initial_pose.x": 3.0, "initial_pose.y": -2.0}

    def switch_on(**more: Any) -> Any:
        """A localizer that has its map; reports of the one before may still come."""
        process = start("localizer", **settings, **more)
        used = "localizing in a map of 3 views"
        probe.wait(lambda: used in process.output, "the map to be used")
        return process

    first = switch_on(set_initial_pose=True, **stated)
    where = drive().look(1000 * SECOND, 0.0)
    # While it runs, so that a power cut loses little.
    probe.wait(path.exists, "the pose to be written")
    assert first.stop() == 0
    second = switch_on()
    again = drive().look(2000 * SECOND, 7.0)
    assert np.hypot(*(again - where)) < 0.5
    assert second.stop() == 0
    # A start that is stated counts more than the file.
    third = switch_on(set_initial_pose=True, **{"initial_pose.x": -3.0})
    assert np.hypot(*(drive().look(3000 * SECOND, 0.0) - (-3.0, 0.0))) < 0.7
    assert third.stop() == 0


def test_a_saved_pose_without_a_file_is_refused_in_words(
    manager_of: Any, start: Any, scene: Any
) -> None:
    settings = {"weights": scene.weights, "device": "cpu", "initialize_at_saved_pose": True}
    process, manager = start("localizer", autostart=False, **settings), manager_of("localizer")
    for _ in range(2):
        assert not manager.change(Transition.TRANSITION_CONFIGURE)
        assert manager.state == "unconfigured"
    assert "set saved_pose_filepath" in process.output
    assert "Traceback" not in process.output


class Owner:
    """What a keeper knows of its node."""

    def __init__(self, path: Path, **stated: Any) -> None:
        self.parameters = LocalizerParameters(
            saved_pose_filepath=str(path), initialize_at_saved_pose=True, **stated
        )
        self.told: list[str] = []

    def get_logger(self) -> Any:
        return SimpleNamespace(warning=self.told.append, error=self.told.append)


def tracked() -> Fix:
    return replace(fix(), status=replace(LocalizerStatus(), state=State.TRACKING))


def test_a_map_that_is_refused_does_not_use_up_the_saved_pose(tmp_path: Path) -> None:
    path, right = tmp_path / "pose.json", view_map(1.0, 2.0)
    write_pose(path, SavedPose.of(fix(), right))
    keeper = PoseKeeper(Owner(path), LastPose())
    assert keeper.start_in(view_map(1.0, weights="others")) is None
    start = keeper.start_in(right)
    assert start is not None and start.pose_map_base == pytest.approx((1.0, -2.0, 0.5), abs=0.02)
    keeper.settle()
    assert keeper.start_in(right) is None


def test_a_stated_start_counts_more_than_a_file(tmp_path: Path) -> None:
    path, where = tmp_path / "pose.json", view_map(1.0)
    write_pose(path, SavedPose.of(fix(), where))
    assert PoseKeeper(Owner(path, set_initial_pose=True), LastPose()).start_in(where) is None


def test_a_pose_from_before_a_new_start_is_not_written(tmp_path: Path) -> None:
    path, last = tmp_path / "pose.json", LastPose()
    keeper = PoseKeeper(owner := Owner(path), last)
    assert "there is no saved pose" in owner.told[0]
    keeper.keep(tracked(), view_map(1.0))
    keeper.forget()
    keeper.write()
    assert not path.exists() and last.known is None
    keeper.keep(tracked(), view_map(1.0))
    keeper.write()
    assert path.exists()


def test_after_cleanup_it_starts_where_it_was_whatever_the_file_says(tmp_path: Path) -> None:
    path, last, where = tmp_path / "pose.json", LastPose(), view_map(1.0)
    keeper = PoseKeeper(Owner(path), last)
    keeper.keep(tracked(), where)
    keeper.close()
    path.write_text("damaged since")
    start = PoseKeeper(owner := Owner(path), last).start_in(where)
    assert start is not None and start.pose_map_base == pytest.approx((1.0, -2.0, 0.5), abs=0.02)
    assert owner.told == []
    forgetful = Owner(path, always_reset_initial_pose=True)
    assert PoseKeeper(forgetful, last).start_in(where) is None
    assert "starting everywhere" in forgetful.told[0]
