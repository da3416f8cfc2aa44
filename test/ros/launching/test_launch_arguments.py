"""Arguments of launch files: what is no good is refused before a node starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rclpy

from dmn_core.errors import ConfigurationError

Launch = Callable[..., tuple[dict[str, Any], Any]]


@pytest.mark.parametrize("namespace", ["robot", "/robot"])
def test_a_parameter_file_is_heard_in_a_namespace(
    launch: Launch, tmp_path: Path, namespace: str
) -> None:
    path = tmp_path / "my.yaml"
    own = "robot:\n  mapper:\n    ros__parameters: {threads: 1}\n/**:\n  ros__parameters: {}\n"
    path.write_text("localizer:\n  ros__parameters:\n    min_std_xy_m: 1e-1\n" + own)
    started, _ = launch("localization", params_file=str(path), namespace=namespace)
    (heard,) = started["localizer"].files
    assert Path(heard).read_text() == path.read_text().replace("localizer:", "/robot/localizer:")


ALL, OWN = "/**", "localizer"


@pytest.mark.parametrize("namespace", ["", "robot", "/robot"])
@pytest.mark.parametrize("order", [(ALL, OWN), (OWN, ALL), (ALL,), (OWN,)])
def test_arguments_overrule_every_section_of_a_parameter_file(
    launch: Launch, tmp_path: Path, namespace: str, order: tuple[str, ...]
) -> None:
    path = tmp_path / "my.yaml"
    said = "  ros__parameters: {autostart: true, image_transport: raw, threads: 7}"
    path.write_text("".join(f"{section}:\n{said}\n" for section in order))
    stated = {"autostart": "false", "image_transport": "compressed"}
    started, _ = launch("localization", params_file=str(path), namespace=namespace, **stated)
    (heard,) = started["localizer"].parameters[:-1]
    words = [
        word
        for file in (heard, started["localizer"].parameters[-1])
        for word in ("--params-file", file)
    ]
    context = rclpy.Context()
    rclpy.init(args=["--ros-args", *words, "-r", f"__ns:=/{namespace.strip('/')}"], context=context)
    node = rclpy.create_node("localizer", context=context)
    found = [
        node.declare_parameter(name, default).value
        for name, default in (("autostart", True), ("image_transport", ""), ("threads", 0))
    ]
    node.destroy_node()
    context.try_shutdown()
    assert found == [False, "compressed", 7]


def test_the_demo_takes_its_few_particles_only_without_a_file(
    launch: Launch, tmp_path: Path, scene: Any
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("localizer:\n  ros__parameters:\n    max_particles: 900\n")
    found = [
        launch("demo", context_bag=str(scene.context), params_file=file)[0]["localizer"].values
        for file in ("", str(path))
    ]
    assert ["max_particles" in values for values in found] == [True, False]


@pytest.mark.parametrize("name", ["mapping", "localization", "replay", "demo"])
def test_launch_files_leave_the_transports_alone(launch: Launch, name: str, scene: Any) -> None:
    """Nodes with LARGE_DATA and nodes with Fast DDS's own transports do not see each other."""
    stated = {"context_bag": str(scene.context)} if name == "demo" else {}
    _, context = launch(name, **stated)
    assert context.environment == {}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        *(("demo", argument) for argument in ("rviz", "visualize", "autostart", "use_respawn")),
        ("demo", "use_sim_time"),
        ("localization", "nav2_compat"),
        ("localization", "image_transport"),
        ("mapping", "live_poses"),
    ],
)
def test_a_word_that_is_no_choice_is_refused_before_anything_starts(
    launch: Launch, name: str, word: str
) -> None:
    with pytest.raises(RuntimeError, match=f"{word}:=maybe is none of"):
        launch(name, **{word: "maybe"})


@pytest.mark.parametrize(
    ("name", "stated", "said"),
    [
        ("demo", {"rate": "fast"}, "rate:=fast wants a number"),
        ("demo", {"seed": "1.5"}, "seed:=1.5 wants a whole number"),
        ("replay", {"rate": "fast"}, "rate:=fast wants a number"),
        ("mapping", {"params_file": "/nowhere.yaml"}, "params_file:=/nowhere.yaml"),
        ("localization", {"params_file": "/nowhere.yaml"}, "params_file:=/nowhere.yaml"),
    ],
)
def test_a_value_that_is_no_good_is_named(
    launch: Launch, name: str, stated: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        launch(name, **stated)


@pytest.mark.parametrize("text", ["a: [\n", "- localizer\n", "3\n"])
@pytest.mark.parametrize("name", ["mapping", "localization"])
def test_a_parameter_file_that_is_none_is_named(
    launch: Launch, name: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"bad\.yaml"):
        launch(name, params_file=str(path))


def test_an_empty_parameter_file_says_nothing(launch: Launch, tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing yet\n")
    started, _ = launch("localization", params_file=str(path), namespace="robot")
    assert started["localizer"].files == [str(path)]
