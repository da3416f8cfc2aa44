"""A parameter file of nav2_amcl serves the localizer, and its names mean the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters

from dmn_core.calibration import Calibration, calibration_path, save_calibration
from dmn_core.checkpoint import load_checkpoint
from dmn_core.errors import ConfigurationError
from dmn_core.robot import RobotSettings, conditions_of
from dmn_ros.amcl_names import IGNORED, MOTION_MODELS
from dmn_ros.localizer_parameters import LocalizerParameters

# As nav2_bringup has it, and every other parameter that nav2_amcl declares, at its default.
NAV2_AMCL = """
amcl:
  ros__parameters:
    alpha1: 0.2
    alpha2: 0.2
    alpha3: 0.2
    alpha4: 0.2
    alpha5: 0.2
    base_frame_id: "base_footprint"
    beam_skip_distance: 0.5
    beam_skip_error_threshold: 0.9
    beam_skip_threshold: 0.3
    do_beamskip: false
    global_frame_id: "map"
    lambda_short: 0.1
    laser_importance_factor: 1.0
    laser_likelihood_max_dist: 2.0
    laser_max_range: 100.0
    laser_min_range: -1.0
    laser_model_type: "likelihood_field"
    max_beams: 60
    max_particles: 2000
    min_particles: 500
    odom_frame_id: "odom"
    pf_err: 0.05
    pf_z: 0.99
    recovery_alpha_fast: 0.0
    recovery_alpha_slow: 0.0
    resample_interval: 1
    robot_model_type: "nav2_amcl::DifferentialMotionModel"
    save_pose_rate: 0.5
    saved_pose_filepath: "{saved}"
    initialize_at_saved_pose: false
    sigma_hit: 0.2
    tf_broadcast: true
    transform_tolerance: 1.0
    update_min_a: 0.2
    update_min_d: 0.25
    z_hit: 0.5
    z_max: 0.05
    z_rand: 0.5
    z_short: 0.05
    scan_topic: scan
    map_topic: map
    set_initial_pose: false
    always_reset_initial_pose: false
    first_map_only: false
    initial_pose:
      x: 0.0
      y: 0.0
      z: 0.0
      yaw: 0.0
    random_seed: -1
    freespace_downsampling: false
    introspection_mode: disabled
    allow_parameter_qos_overrides: true
    bond_heartbeat_period: 0.25
    autostart_node: false
    use_sim_time: false
"""

# Every parameter that beluga_amcl declares, with values of its example.
BELUGA_AMCL = """
amcl:
  ros__parameters:
    robot_model_type: {model}
    alpha1: 0.1
    alpha2: 0.05
    alpha3: 0.1
    alpha4: 0.05
    alpha5: 0.1
    global_frame_id: map
    odom_frame_id: odom
    base_frame_id: base_footprint
    map_topic: map
    map_path: map_path
    scan_topic: scan
    initial_pose_topic: initialpose
    max_particles: 2000
    min_particles: 500
    pf_err: 0.05
    pf_z: 3.0
    spatial_resolution_x: 0.1
    spatial_resolution_y: 0.1
    spatial_resolution_theta: 0.1
    recovery_alpha_fast: 0.1
    recovery_alpha_slow: 0.001
    resample_interval: 1
    selective_resampling: true
    update_min_a: 0.2
    update_min_d: 0.25
    laser_model_type: likelihood_field
    laser_likelihood_max_dist: 2.0
    laser_max_range: 100.0
    laser_min_range: 0.0
    max_beams: 100
    z_hit: 0.5
    z_rand: 0.5
    z_short: 0.05
    z_max: 0.05
    lambda_short: 0.1
    sigma_hit: 0.2
    model_unknown_space: true
    tf_broadcast: true
    transform_tolerance: 1.0
    execution_policy: seq
    debug: false
    set_initial_pose: true
    always_reset_initial_pose: false
    first_map_only: false
    autostart: false
    autostart_delay: 0.0
    initial_pose.x: 0.0
    initial_pose.y: 2.0
    initial_pose.yaw: 0.0
    initial_pose.covariance_x: 0.25
    initial_pose.covariance_y: 0.25
    initial_pose.covariance_yaw: 0.0685
    initial_pose.covariance_xy: 0.0
    initial_pose.covariance_xyaw: 0.0
    initial_pose.covariance_yyaw: 0.0
"""


def test_a_parameter_file_of_nav2_amcl_starts_the_localizer(
    probe: Any, start: Any, scene: Any, tmp_path: Path
) -> None:
    path = tmp_path / "nav2_params.yaml"
    path.write_text(NAV2_AMCL.format(saved=tmp_path / "amcl_saved_pose"))
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
    stated = [word.strip().split(":")[0] for word in NAV2_AMCL.splitlines()]
    assert len(IGNORED.intersection(stated)) > 20
    assert [name for name in IGNORED.intersection(stated) if name not in line] == []
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
    path = tmp_path / "beluga.yaml"
    path.write_text(BELUGA_AMCL.format(model=model))
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
    path.write_text(BELUGA_AMCL.format(model="stationary"))
    process = start(
        "localizer", remap={"__node": "amcl"}, files=[path], weights=scene.weights, device="cpu"
    )
    assert process.popen.wait(30) == 1
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
