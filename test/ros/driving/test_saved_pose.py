"""A pose on disk: whole or not at all, and only for the map that it was in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from dmn.msg import ViewMap as ViewMapMessage

from dmn_core.belief_monitor import LocalizerStatus, State
from dmn_core.fix import Fix
from dmn_core.views import ViewMap
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.pose_keeper import LastPose, PoseKeeper
from dmn_ros.qualities import LATCHED
from dmn_ros.saved_pose import SavedPose, SavedPoseError, read_pose, write_pose

SECOND = 1_000_000_000
COVARIANCE = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.04]])


def fix() -> Fix:
    return Fix(
        stamp_ns=7,
        pose_map_base=np.array([1.0, -2.0, 0.5]),
        covariance=COVARIANCE,
        pose_odom_base=np.zeros(3),
        particles_map_base=np.zeros((1, 3)),
        weights=np.ones(1),
        latency_s=0.0,
    )


def view_map(*xs: float, weights: str = "w") -> ViewMap:
    poses = torch.tensor([[[x, 0.0, 0.0] for x in xs]])
    return ViewMap(torch.zeros(1, len(xs), 64, 8, 8), poses, (-1.0, 1.0, -1.0, 1.0), weights)


def test_a_pose_comes_back_with_its_covariance(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "pose.json"
    write_pose(path, SavedPose.of(fix(), view_map(1.0, 2.0)))
    # A map that was edited since shares views with the one before.
    start = read_pose(path).start_in(view_map(2.0, 3.0), particles=9)
    assert start.pose_map_base == (1.0, -2.0, 0.5)
    np.testing.assert_allclose(start.covariance, COVARIANCE)
    assert start.particles == 9
    assert [file.name for file in path.parent.iterdir()] == ["pose.json"]


@pytest.mark.parametrize("other", [view_map(5.0), view_map(1.0, weights="others")])
def test_another_map_is_refused(other: ViewMap) -> None:
    with pytest.raises(SavedPoseError, match="shares no view"):
        SavedPose.of(fix(), view_map(1.0, 2.0)).start_in(other, particles=9)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"stamp_ns": 1}'])
def test_damaged_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pose.json"
    path.write_text(text)
    with pytest.raises(SavedPoseError, match="pose.json"):
        read_pose(path)


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
    first = start("localizer", set_initial_pose=True, **settings, **stated)
    probe.wait_for_state("map_views", "3")
    where = drive().look(1000 * SECOND, 0.0)
    # While it runs, so that a power cut loses little.
    probe.wait(path.exists, "the pose to be written")
    assert first.stop() == 0
    probe.heard["/diagnostics"].clear()
    second = start("localizer", **settings)
    probe.wait_for_state("map_views", "3")
    again = drive().look(2000 * SECOND, 7.0)
    assert np.hypot(*(again - where)) < 0.5
    assert second.stop() == 0
    # A start that is stated counts more than the file.
    probe.heard["/diagnostics"].clear()
    third = start("localizer", set_initial_pose=True, **settings, **{"initial_pose.x": -3.0})
    probe.wait_for_state("map_views", "3")
    assert np.hypot(*(drive().look(3000 * SECOND, 0.0) - (-3.0, 0.0))) < 0.7
    assert third.stop() == 0


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
    assert start is not None and start.pose_map_base == (1.0, -2.0, 0.5)
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
