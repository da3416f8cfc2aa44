"""The YAML files say what the dataclasses say, and bad values are refused in clear words."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.parameter import Parameter

from dmn_core.data.bag_map import MappingSettings
from dmn_core.errors import ConfigurationError
from dmn_core.robot import RobotSettings, load_localizer
from dmn_ros.declaration import changed, declare, ros_name
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.parameter_table import parameter_table
from dmn_ros.parameters import BagPlayerParameters, MapperParameters
from dmn_ros.simulator.parameters import SimulatorParameters
from dmn_ros.visualizer.parameters import VisualizerParameters

AXES = ("x", "y", "theta")
CONFIG = Path(__file__).resolve().parents[2] / "config"
KINDS = {
    "mapper": MapperParameters,
    "localizer": LocalizerParameters,
    "simulator": SimulatorParameters,
    "visualizer": VisualizerParameters,
    "bag_player": BagPlayerParameters,
}


@contextmanager
def node(context: Any, *words: str, **parameters: Any) -> Iterator[Any]:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    made = rclpy.create_node(
        "tested", context=context, cli_args=list(words), parameter_overrides=overrides
    )
    yield made
    made.destroy_node()


def flat(stated: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters by their names with dots."""
    found: dict[str, Any] = {}
    for name, value in stated.items():
        inner = flat(value, f"{prefix}{name}.") if isinstance(value, dict) else None
        found |= {prefix + name: value} if inner is None else inner
    return found


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (LocalizerParameters, {"odom_frame_id": "/odom"}, "'odom_frame_id' .* give 'odom'"),
        (MapperParameters, {"global_frame_id": "/map"}, "'global_frame_id' .* give 'map'"),
        (
            LocalizerParameters,
            {"covariance_source": "mode", "estimate": "mean"},
            "'mode' wants estimate 'cluster', got 'mean'",
        ),
    ],
)
def test_values_that_do_not_go_together_and_frames_of_ros_1_are_refused(
    ros_context: Any, kind: type, settings: dict[str, str], said: str
) -> None:
    with node(ros_context, **settings) as made, pytest.raises(ConfigurationError, match=said):
        declare(made, kind)


@pytest.mark.parametrize("name", KINDS)
def test_yaml_repeats_the_defaults(ros_context: Any, name: str) -> None:
    path = CONFIG / f"{name}.yaml"
    stated = yaml.safe_load(path.read_text())["/**"]["ros__parameters"]
    assert set(flat(stated)) == {ros_name(f) for f in dataclasses.fields(KINDS[name])}
    with node(ros_context, "--ros-args", "--params-file", str(path)) as made:
        assert declare(made, KINDS[name]) == KINDS[name]()


@pytest.mark.parametrize("name", KINDS)
def test_yaml_explains_each_parameter(name: str) -> None:
    """Comments are of use only where they are: at least one for every two parameters."""
    lines = (CONFIG / f"{name}.yaml").read_text().splitlines()
    comments = sum(line.strip().startswith("#") for line in lines)
    assert comments >= len(dataclasses.fields(KINDS[name])) / 2


def test_values_in_force_are_returned(ros_context: Any) -> None:
    with node(ros_context, area_m=[-1.0, 1.0, -2.0, 2.0], max_views=7) as made:
        parameters = declare(made, MapperParameters)
    assert parameters.area() == (-1.0, 1.0, -2.0, 2.0)
    assert parameters.max_views == 7
    assert parameters.global_frame_id == "map"


def test_the_defaults_are_those_of_the_offline_replay() -> None:
    assert LocalizerParameters().robot_settings() == RobotSettings()
    assert MapperParameters().mapping_settings() == MappingSettings()
    default = inspect.signature(load_localizer).parameters["precision"].default
    assert LocalizerParameters().precision == MapperParameters().precision == default


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        (LocalizerParameters, "max_particles", 0, "max_particles"),
        (LocalizerParameters, "max_particles", 1.5, "integer"),
        (LocalizerParameters, "soft_alpha", 0.0, "soft_alpha"),
        (LocalizerParameters, "alpha1", -0.1, "alpha1"),
        (LocalizerParameters, "image_queue", "latest", "newest, all"),
        (LocalizerParameters, "precision", "float16", "float32, bfloat16"),
        (MapperParameters, "precision", "half", "float32, bfloat16"),
        (LocalizerParameters, "motion_model", "tank", "exact, differential, omni"),
        (BagPlayerParameters, "rate", 0.0, "rate"),
    ],
)
def test_bad_values_are_refused(
    ros_context: Any, kind: Any, name: str, value: Any, words: str
) -> None:
    with (
        node(ros_context, **{name: value}) as made,
        pytest.raises(ConfigurationError, match=words) as caught,
    ):
        declare(made, kind)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({}, True),
        ({"autostart_node": False}, False),
        ({"autostart_node": False, "autostart": True}, True),
    ],
)
def test_autostart_has_another_name_in_nav2(
    ros_context: Any, given: dict[str, bool], starts: bool
) -> None:
    with node(ros_context, **given) as made:
        assert declare(made, MapperParameters).autostart is starts


def test_another_name_wants_the_same_kind(ros_context: Any) -> None:
    with (
        node(ros_context, autostart_node="no") as made,
        pytest.raises(ConfigurationError, match="'autostart_node' wants a bool, got 'no'"),
    ):
        declare(made, MapperParameters)


@pytest.mark.parametrize(
    "use",
    [
        lambda: MapperParameters(area_m=(0.0, 1.0)).area(),
        lambda: MapperParameters(pose_base_camera=(0.0,)).mount(),
        lambda: LocalizerParameters(pose_base_camera=()).robot_settings(),
    ],
)
def test_lists_of_the_wrong_length_are_refused(use: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match="numbers"):
        use()


@pytest.mark.parametrize("name", KINDS)
def test_the_documentation_shows_each_parameter(name: str) -> None:
    text = (CONFIG.parent / "docs" / "ros_interface.md").read_text()
    table = parameter_table(KINDS[name])
    assert table in text, f"the table of {name} should be:\n{table}"


def test_names_that_are_not_known_are_warned_of(ros_context: Any) -> None:
    heard: list[str] = []
    with node(ros_context, max_partciles=5, update_min_d=0.5) as made:
        made.get_logger = lambda: SimpleNamespace(warning=heard.append)
        declare(made, LocalizerParameters)
    assert len(heard) == 1
    assert "max_partciles" in heard[0]
    assert "'max_particles'" in heard[0]


def test_changes_are_checked() -> None:
    before = LocalizerParameters()
    after = changed(before, [Parameter("alpha1", value=0.5), Parameter("use_sim_time", value=True)])
    assert after == dataclasses.replace(before, alpha1=0.5)
    assert after.robot_settings().filter.noise.alpha1 == 0.5
    finer = changed(before, [Parameter(f"spatial_resolution_{a}", value=0.1) for a in AXES])
    assert finer.robot_settings().filter.size.bin == (0.1, 0.1, 0.1)
    with pytest.raises(ConfigurationError, match="never, always, effective_size"):
        changed(before, [Parameter("resampling", value="sometimes")])


def test_parameters_are_described_and_cannot_change_at_run_time(ros_context: Any) -> None:
    with node(ros_context) as made:
        declare(made, LocalizerParameters)
        described = made.describe_parameter("threads")
        assert described.description
        assert described.integer_range[0].from_value == 0
        (result,) = made.set_parameters([Parameter("threads", value=3)])
        assert not result.successful
