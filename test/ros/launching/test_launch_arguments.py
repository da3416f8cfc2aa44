"""Arguments of launch files: what is no good is refused before a node starts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rclpy

from dmn_core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
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


RAW, COMPRESSED = "image_transport: raw", "image_transport: compressed"


@pytest.mark.parametrize("namespace", ["", "robot"])
@pytest.mark.parametrize(
    ("sections", "shown"),
    [
        # What is said of other nodes is none of the localizer's.
        ([("mapper", COMPRESSED)], "raw"),
        ([("localizer", COMPRESSED), ("mapper", RAW)], "compressed"),
        ([("amcl", COMPRESSED)], "raw"),
        ([("/other/localizer", COMPRESSED)], "raw"),
        ([("other", f"localizer: {{ros__parameters: {{{COMPRESSED}}}}}")], "raw"),
        # Later sections overrule earlier ones.
        ([("/**", COMPRESSED)], "compressed"),
        ([("/**", COMPRESSED), ("localizer", RAW)], "raw"),
        ([("localizer", RAW), ("/**", COMPRESSED)], "compressed"),
        ([("/**/localizer", COMPRESSED), ("mapper", RAW)], "compressed"),
        ([("localizer", "threads: 2")], "raw"),
    ],
)
def test_rviz_shows_what_the_localizers_own_sections_say(
    launch: Launch,
    tmp_path: Path,
    namespace: str,
    sections: list[tuple[str, str]],
    shown: str,
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "".join(
            f"{name}: {{{said}}}\n" if "{" in said else f"{name}: {{ros__parameters: {{{said}}}}}\n"
            for name, said in sections
        )
    )
    started, context = launch(
        "localization", params_file=str(path), namespace=namespace, rviz="true"
    )
    config = Path(started["rviz2"].arguments[1]).read_text()
    assert ("Value: image/compressed" in config) == (shown == "compressed")
    launching = importlib.import_module("dmn_ros.launching")
    assert launching.image_transport(context) == shown


def test_each_node_has_sections_of_its_own(launch: Launch, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        f"robot:\n  mapper:\n    ros__parameters: {{{COMPRESSED}}}\n"
        f"amcl:\n  ros__parameters: {{{COMPRESSED}}}\n"
        f"/*/localizer:\n  ros__parameters: {{{RAW}}}\n"
    )
    _, context = launch("localization", params_file=str(path), namespace="robot")
    transport = importlib.import_module("dmn_ros.launching").image_transport
    found = {name: transport(context, name) for name in ("mapper", "amcl", "localizer")}
    assert found == {"mapper": "compressed", "amcl": "compressed", "localizer": "raw"}
    _, elsewhere = launch("localization", params_file=str(path), namespace="robot2")
    assert transport(elsewhere, "mapper") == "raw"


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


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mapping", {"context_bag": "/c"}),
        ("localization", {}),
        ("replay", {"query_bag": "/q"}),
        ("demo", {"context_bag": "/c"}),
        ("demo", {"bag": str(ROOT / "bags" / "query")}),
    ],
)
def test_ros_reads_the_files_of_every_node(
    launch: Launch, name: str, arguments: dict[str, str]
) -> None:
    """It reads less of YAML than Python does, such as no aliases."""
    for node in launch(name, **arguments)[0].values():
        files = [stated for stated in node.parameters if isinstance(stated, str)]
        assert files
        words = [word for file in [*node.files, *files] for word in ("--params-file", file)]
        context = rclpy.Context()
        rclpy.init(args=["--ros-args", *words], context=context)
        context.try_shutdown()


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


def test_a_parameter_file_at_home_is_found(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shells leave `~` in `params_file:=~/mine.yaml` as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    text = "localizer:\n  ros__parameters: {image_transport: compressed}\n"
    (tmp_path / "mine.yaml").write_text(text)
    _, context = launch("localization", params_file="~/mine.yaml")
    transport = importlib.import_module("dmn_ros.launching").image_transport
    assert transport(context, "localizer") == "compressed"


def test_an_empty_parameter_file_says_nothing(launch: Launch, tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing yet\n")
    started, _ = launch("localization", params_file=str(path), namespace="robot")
    assert started["localizer"].files == [str(path)]
