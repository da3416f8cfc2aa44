"""A parameter file of nav2_amcl serves the localizer, and its names mean the same."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters

from dmn_core.calibration import Calibration, calibration_path, save_calibration
from dmn_core.checkpoint import load_checkpoint
from dmn_core.errors import ConfigurationError
from dmn_core.robot import RobotSettings, conditions_of
from dmn_ros.amcl_names import IGNORED, MOTION_MODELS
from dmn_ros.declaration import ros_name
from dmn_ros.localizer_parameters import LocalizerParameters

HERE = Path(__file__).resolve().parent
NAV2_AMCL = (HERE / "nav2_amcl.yaml").read_text()
BELUGA_AMCL = (HERE / "beluga_amcl.yaml").read_text()
PAGE = HERE.parents[1] / "docs" / "ros_interface.md"

# Defaults of what nav2_amcl lacks, by beluga_amcl's declarations; its file has other values.
BELUGA_DEFAULTS = {
    "autostart": False,
    "initial_pose.covariance_x": 1e-6,
    "initial_pose.covariance_y": 1e-6,
    "initial_pose.covariance_yaw": 1e-6,
    "initial_pose.covariance_xy": 0.0,
    "initial_pose.covariance_xyaw": 0.0,
    "initial_pose.covariance_yyaw": 0.0,
    "spatial_resolution_x": 0.5,
    "spatial_resolution_y": 0.5,
    "spatial_resolution_theta": math.radians(10),
}
# The table has it for what it means: the default is the same.
MEANS_ANOTHER = {"set_initial_pose"}


def stated(text: str) -> dict[str, Any]:
    """Parameters of a file by their names with dots."""
    found: dict[str, Any] = {}
    for name, value in yaml.safe_load(text)["amcl"]["ros__parameters"].items():
        parts = value if isinstance(value, dict) else None
        found.update({f"{name}.{part}": v for part, v in parts.items()} if parts else {name: value})
    return found


def documented() -> dict[str, tuple[str, str]]:
    """What the table of other defaults says, of each parameter: theirs, and the one here."""
    _, _, after = PAGE.read_text().partition("What such files say by default")
    rows = [row.strip("| ").split(" | ") for row in after.partition("###")[0].splitlines()[4:]]
    found = {}
    for about, *values in (row[:3] for row in rows if len(row) > 2):
        names = re.findall(r"`([\w.]+)`", about)
        if " to " in about:
            stem, (first, last) = names[0][:-1], (int(name[-1]) for name in names)
            names = [f"{stem}{number}" for number in range(first, last + 1)]
        for index, name in enumerate(names):
            # One value in a cell is that of every name.
            words = [re.split(r", +", cell) for cell in values]
            theirs, ours = (word[index] if index < len(word) else word[0] for word in words)
            found[name] = (theirs, ours)
    return found


def is_said(value: Any, word: str) -> bool:
    if isinstance(value, bool):
        return word == str(value).lower()
    if isinstance(value, (int, float)):
        return math.isclose(float(word), value)
    return word == (value or "not kept")


def test_the_page_names_every_default_that_is_another_here() -> None:
    fields = dataclasses.fields(LocalizerParameters)
    here = {name: f.default for f in fields for name in (ros_name(f), f.metadata["also"]) if name}
    theirs = stated(NAV2_AMCL) | BELUGA_DEFAULTS
    assert stated(BELUGA_AMCL).keys() <= theirs.keys() | IGNORED
    # Here it is another name of motion_model.
    here["robot_model_type"] = here["motion_model"]
    theirs["robot_model_type"] = MOTION_MODELS[theirs["robot_model_type"]]
    table = documented()
    differing = {name for name in here.keys() & theirs.keys() if here[name] != theirs[name]}
    assert differing == table.keys() - IGNORED - MEANS_ANOTHER
    for name in differing:
        said = table[name]
        assert is_said(theirs[name], said[0]), f"{name}: {theirs[name]!r} there, not {said[0]!r}"
        assert is_said(here[name], said[1]), f"{name}: {here[name]!r} here, not {said[1]!r}"


def wait_for_end_of_others(probe: Any, kind: Any, service: str) -> None:
    """One of the test before may be known for a moment, and would be asked in vain."""
    client = probe.node.create_client(kind, service)
    probe.wait(lambda: not client.service_is_ready(), "the end of those before")


def test_a_parameter_file_of_nav2_amcl_starts_the_localizer(
    probe: Any, start: Any, scene: Any, tmp_path: Path
) -> None:
    wait_for_end_of_others(probe, GetState, "amcl/get_state")
    path = tmp_path / "nav2_params.yaml"
    saved = stated(NAV2_AMCL)["saved_pose_filepath"]
    path.write_text(NAV2_AMCL.replace(saved, str(tmp_path / "amcl_saved_pose")))
    weights = shutil.copy(scene.weights, tmp_path / "weights.safetensors")
    fingerprint = load_checkpoint(weights).fingerprint
    fitted = Calibration(weights_fingerprint=fingerprint, conditions=conditions_of(RobotSettings()))
    save_calibration(calibration_path(weights), fitted)
    process = start(
        "localizer",
        remap={"__node": "amcl", "pose": "amcl_pose"},
        files=[path],
        weights=str(weights),
        device="cpu",
        threads=1,
    )
    # `autostart_node: false`: a manager leads it.
    state = probe.call(GetState, "amcl/get_state", GetState.Request())
    assert state.current_state.label == "unconfigured"
    configure = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert probe.call(ChangeState, "amcl/change_state", configure).success
    probe.wait(lambda: "waiting for a map" in process.output, "the localizer to be configured")
    asked = GetParameters.Request(names=["base_frame_id", "max_particles", "robot_model_type"])
    values = probe.call(GetParameters, "amcl/get_parameters", asked).values
    assert values[0].string_value == "base_footprint"
    assert values[1].integer_value == 2000
    assert values[2].string_value == "nav2_amcl::DifferentialMotionModel"
    (line,) = [said for said in process.output.splitlines() if "without a meaning here" in said]
    idle = IGNORED.intersection(stated(NAV2_AMCL))
    assert len(idle) > 20
    assert [name for name in idle if name not in line] == []
    assert "ERROR" not in process.output
    # Nav2's values take away what finds a lost robot, and what the confidence was fitted with.
    lost, unfitted = [said for said in process.output.splitlines() if "WARN" in said]
    assert "recovery_alpha_fast is 0" in lost
    assert "update_min_d 0.25 (fitted with 1.0)" in unfitted
    assert "alpha1 0.2 (fitted with 0.05)" in unfitted
    assert "random_seed" in process.output


@pytest.mark.parametrize("model", ["differential_drive", "omnidirectional_drive"])
def test_a_parameter_file_of_beluga_amcl_starts_the_localizer(
    probe: Any, start: Any, scene: Any, tmp_path: Path, model: str
) -> None:
    wait_for_end_of_others(probe, ChangeState, "amcl/change_state")
    path = tmp_path / "beluga.yaml"
    path.write_text(BELUGA_AMCL.replace("differential_drive", model))
    names = {"__node": "amcl"}
    process = start("localizer", remap=names, files=[path], weights=scene.weights, device="cpu")
    configure = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert probe.call(ChangeState, "amcl/change_state", configure).success
    probe.wait(lambda: "waiting for a map" in process.output, "the localizer to be configured")
    asked = GetParameters.Request(names=["robot_model_type", "initial_pose.y"])
    values = probe.call(GetParameters, "amcl/get_parameters", asked).values
    assert (values[0].string_value, values[1].double_value) == (model, 2.0)
    assert "is not known" not in process.output
    assert "WARN" not in process.output


def test_the_model_of_beluga_amcl_without_odometry_is_refused_with_another(
    start: Any, scene: Any, tmp_path: Path
) -> None:
    path = tmp_path / "beluga.yaml"
    path.write_text(BELUGA_AMCL.replace("differential_drive", "stationary"))
    process = start(
        "localizer", remap={"__node": "amcl"}, files=[path], weights=scene.weights, device="cpu"
    )
    assert process.popen.wait(180) == 1
    (line,) = [said for said in process.output.splitlines() if "stationary" in said]
    assert "'robot_model_type' wants one of" in line
    assert "has no equal here; differential_drive or omnidirectional_drive serve" in line
    assert "Traceback" not in process.output


def test_motion_models_by_the_names_of_plugins() -> None:
    for name, model in MOTION_MODELS.items():
        stated = LocalizerParameters(robot_model_type=name, motion_model="exact")
        assert stated.filter_settings().noise.model == model
    assert LocalizerParameters(motion_model="exact").filter_settings().noise.model == "exact"


def test_a_seed_of_minus_one_is_another_each_time() -> None:
    seeds = {LocalizerParameters(random_seed=-1).robot_settings().seed for _ in range(3)}
    assert len(seeds) == 3
    assert min(seeds) >= 0
    assert LocalizerParameters(random_seed=7).robot_settings().seed == 7


def test_more_least_particles_than_most_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="min_particles wants at most .* 100, got 101"):
        LocalizerParameters(min_particles=101, max_particles=100).robot_settings()
    # The default gives way, so that max_particles alone can be lowered.
    settings = LocalizerParameters(max_particles=100).robot_settings()
    assert settings.filter.size.limited(10**6, started_with=settings.particles) == 100


@pytest.mark.parametrize(
    ("least", "expected"), [(50, (50, 300)), (500, (300, 300)), (0, (300, 300))]
)
def test_another_most_particles_counts_for_a_robot_that_drives(
    least: int, expected: tuple[int, int]
) -> None:
    size = (
        LocalizerParameters(min_particles=least, max_particles=300).settings_at_work().filter.size
    )
    assert size.enabled
    sizes = [size.limited(wanted, started_with=128) for wanted in (0, 10**6)]
    assert tuple(sizes) == expected


def test_the_start_has_all_its_covariances() -> None:
    stated = LocalizerParameters(
        set_initial_pose=True,
        initial_pose_covariance_xy=0.1,
        initial_pose_covariance_xyaw=-0.02,
        initial_pose_covariance_yyaw=0.03,
    )
    start = stated.initial_pose()
    assert start is not None
    expected = [[0.25, 0.1, -0.02], [0.1, 0.25, 0.03], [-0.02, 0.03, 0.0685]]
    np.testing.assert_allclose(start.covariance, expected)
    wrong = LocalizerParameters(set_initial_pose=True, initial_pose_covariance_xy=1.0)
    with pytest.raises(ConfigurationError, match="initial_pose wants covariances"):
        wrong.initial_pose()
