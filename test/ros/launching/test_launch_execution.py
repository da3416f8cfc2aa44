"""Launch files are executed: what they start has the names and settings that users ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from dmn_core.errors import ConfigurationError
from dmn_ros.demo.options import find_images
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.parameters import BagPlayerParameters, MapperParameters
from dmn_ros.simulator.parameters import SimulatorParameters
from dmn_ros.visualizer.parameters import VisualizerParameters

ROOT = Path(__file__).resolve().parents[3]
PARAMETERS = {
    "mapper": MapperParameters,
    "localizer": LocalizerParameters,
    "bag_player": BagPlayerParameters,
    "simulator": SimulatorParameters,
    "visualizer": VisualizerParameters,
}
Launch = Callable[..., tuple[dict[str, Any], Any]]


def shown_image(rviz: Any) -> str:
    """The topic that RViz listens to for its picture, remapped."""
    displays = yaml.safe_load(Path(rviz.arguments[1]).read_text())["Visualization Manager"]
    (topic,) = [d["Topic"]["Value"] for d in displays["Displays"] if d["Name"] == "Camera"]
    return str(dict(rviz.remappings).get(topic, topic))


@pytest.mark.parametrize("name", ["mapping", "localization", "replay", "demo"])
def test_what_is_started_is_there(launch: Launch, name: str, scene: Any) -> None:
    stated = {"context_bag": str(scene.context)} if name == "demo" else {}
    started, _ = launch(name, rviz="false", **stated)
    assert started
    assert "rviz2" not in started
    for executable, node in started.items():
        if executable == "process":
            assert Path(node.cmd[0]).name in {path.name for path in (ROOT / "scripts").iterdir()}
            continue
        assert node.package == "dmn"
        assert (ROOT / "scripts" / executable).exists()
        assert [file for file in node.files if not Path(file).exists()] == []
        known = {f.name for f in dataclasses.fields(PARAMETERS[executable])} | {"use_sim_time"}
        assert node.values.keys() <= known


def test_the_localizer_gets_its_topics_and_rviz_shows_them(launch: Launch) -> None:
    started, _ = launch(
        "localization",
        namespace="robot",
        image="/front/image",
        odom="/wheels",
        image_transport="compressed",
        use_sim_time="true",
        rviz="true",
    )
    localizer, rviz = started["localizer"], started["rviz2"]
    assert dict(localizer.remappings) == {"image": "/front/image", "odom": "/wheels"}
    assert localizer.values["image_transport"] == "compressed"
    assert localizer.namespace == rviz.namespace == "robot"
    assert localizer.values["use_sim_time"] is True
    assert rviz.values["use_sim_time"] == "true"
    assert shown_image(rviz) == "/front/image/compressed"
    assert dict(rviz.remappings).items() >= {"/tf": "tf", "/tf_static": "tf_static"}.items()


def test_rviz_shows_raw_images_where_the_localizer_takes_raw_ones(launch: Launch) -> None:
    started, _ = launch("localization", image="/front/image", rviz="true")
    assert "image_transport" not in started["localizer"].values
    assert shown_image(started["rviz2"]) == "/front/image"


def test_a_parameter_file_is_heard_by_localizer_and_rviz(launch: Launch, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("localizer:\n  ros__parameters:\n    image_transport: compressed\n")
    started, _ = launch("localization", params_file=str(path), rviz="true")
    assert started["localizer"].files == [str(path)]
    assert "image_transport" not in started["localizer"].values
    assert shown_image(started["rviz2"]) == "image/compressed"


def test_the_mapper_gets_only_what_was_stated(launch: Launch) -> None:
    started, _ = launch("mapping", context_bag="0123", log_level="debug", rviz="true")
    mapper = started["mapper"]
    # Text that looks like a number stays text, and an empty map_file leaves the YAML file's.
    assert mapper.values == {"context_bag": "0123", "use_sim_time": False}
    assert mapper.arguments[-1] == "debug"
    assert mapper.on_exit is None
    assert started["rviz2"].remappings == []


def test_the_mapper_gets_what_live_views_are_made_of(launch: Launch) -> None:
    started, _ = launch(
        "mapping",
        live_poses="pose_with_covariance",
        image="/front/image",
        image_transport="compressed",
        pose="amcl_pose",
        status="/robot/status",
    )
    mapper = started["mapper"]
    stated = {"live_poses": "pose_with_covariance", "image_transport": "compressed"}
    assert mapper.values.items() >= stated.items()
    topics = {"image": "/front/image", "pose": "amcl_pose", "status": "/robot/status"}
    assert dict(mapper.remappings) == {**topics, "view_pose": "view_pose"}


def test_a_replay_by_simulated_time_with_nodes_that_come_again(launch: Launch) -> None:
    started, _ = launch("replay", use_sim_time="true", use_respawn="true")
    assert started["bag_player"].values["clock"] is True
    # The player ends when it is done, and everything with it.
    assert not started["bag_player"].respawn
    assert type(started["bag_player"].on_exit).__name__ == "Shutdown"
    for name in ("mapper", "localizer"):
        assert started[name].values["use_sim_time"] is True
        assert started[name].respawn
        assert started[name].on_exit is None


@pytest.mark.parametrize(("transport", "ending"), [("raw", ""), ("compressed", "/compressed")])
def test_a_replay_ends_with_any_of_its_nodes(launch: Launch, transport: str, ending: str) -> None:
    started, _ = launch(
        "replay",
        context_bag="/c",
        query_bag="/q",
        image="/cam",
        image_transport=transport,
        rate="3",
        namespace="robot",
        rviz="1",
    )
    for name in ("mapper", "localizer", "bag_player"):
        assert type(started[name].on_exit).__name__ == "Shutdown"
    assert started["localizer"].values["image_queue"] == "all"
    player = started["bag_player"].values
    assert player == {
        "bag": "/q",
        "rate": 3.0,
        "wait_for_subscribers": ["/cam" + ending],
        "wait_for_localizer": True,
        "use_sim_time": False,
    }
    assert [Path(file).name for file in started["bag_player"].files] == ["bag_player.yaml"]
    assert shown_image(started["rviz2"]) == "/cam" + ending
    assert dict(started["rviz2"].remappings)["ground_truth"] == "/ground_truth"


def test_the_demo_simulates_a_robot(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path))
    started, _ = launch("demo", seed="3", views="2", rate="2", namespace="robot", rviz="true")
    assert set(started) == {"simulator", "mapper", "localizer", "visualizer", "rviz2"}
    robot = started["simulator"].values
    assert (robot["seed"], robot["rate"], robot["publish_clock"]) == (3, 2.0, True)
    ours = [node for node in started.values() if node.package == "dmn"]
    assert [node.values["use_sim_time"] for node in ours] == [True] * len(ours)
    bag = Path(started["mapper"].values["context_bag"])
    assert bag.is_relative_to(tmp_path)
    image = dict(started["localizer"].remappings)["image"]
    assert shown_image(started["rviz2"]) == image == "camera/image_raw"
    # The same maze is recorded once.
    stamp = bag.stat().st_mtime_ns
    again, _ = launch("demo", seed="3", views="2", use_sim_time="false")
    assert again["simulator"].values["publish_clock"] is False
    assert bag.stat().st_mtime_ns == stamp


def test_the_demo_plays_a_bag_instead(launch: Launch, scene: Any) -> None:
    started, _ = launch("demo", bag=str(scene.query), context_bag=str(scene.context), rviz="true")
    assert set(started) == {"bag_player", "mapper", "localizer", "visualizer", "rviz2"}
    assert dict(started["visualizer"].remappings) == {"ground_truth": "/ground_truth"}
    assert started["bag_player"].values["bag"] == str(scene.query)
    assert started["bag_player"].values["clock"] is True
    assert started["mapper"].values["context_bag"] == str(scene.context)
    images = find_images(scene.query)
    assert started["localizer"].values["image_transport"] == images.transport
    assert shown_image(started["rviz2"]) == images.topic


def test_managers_and_respawn_are_heard(launch: Launch) -> None:
    plain, _ = launch("localization")
    assert "autostart" not in plain["localizer"].values
    assert (plain["localizer"].respawn, plain["localizer"].name) == (False, None)
    led, _ = launch("localization", autostart="false", use_respawn="true", nav2_compat="true")
    localizer = led["localizer"]
    assert localizer.values["autostart"] is False
    assert localizer.respawn
    assert localizer.name == "amcl"
    assert dict(localizer.remappings)["pose"] == "amcl_pose"


@pytest.mark.parametrize(("stated", "starts"), [({}, False), ({"autostart": "true"}, True)])
def test_a_manager_leads_in_nav2_unless_told_otherwise(
    launch: Launch, stated: dict[str, str], starts: bool
) -> None:
    started, _ = launch("localization", nav2_compat="true", **stated)
    assert started["localizer"].values["autostart"] is starts
    assert started["localizer"].values["particle_cloud_type"] == "auto"
    assert "particle_cloud_type" not in launch("localization")[0]["localizer"].values


def test_the_visualizer_is_started_for_rviz_or_by_itself(launch: Launch) -> None:
    assert "visualizer" in launch("localization", rviz="true")[0]
    alone, _ = launch("localization", visualize="true", nav2_compat="true")
    assert "rviz2" not in alone
    assert dict(alone["visualizer"].remappings) == {"pose": "amcl_pose", "map": "view_map"}
    assert "visualizer" not in launch("localization", rviz="true", visualize="false")[0]


VIEW_MAPS: list[tuple[dict[str, str], str]] = [
    ({}, "map"),
    ({"map": "/robot/views"}, "/robot/views"),
    ({"nav2_compat": "true"}, "view_map"),
    ({"nav2_compat": "true", "map": "views"}, "views"),
    ({"nav2_compat": "true", "map": "map"}, "map"),
]


@pytest.mark.parametrize(
    ("name", "stated", "topic"),
    [
        *(("mapping", stated, topic) for stated, topic in VIEW_MAPS),
        *(("localization", {"visualize": "true", **stated}, topic) for stated, topic in VIEW_MAPS),
        *(("demo", {"visualize": "true", **stated}, topic) for stated, topic in VIEW_MAPS[:2]),
    ],
)
def test_the_view_map_gives_way_to_the_map_of_nav2(
    launch: Launch, scene: Any, name: str, stated: dict[str, str], topic: str
) -> None:
    """Nav2's map server publishes an OccupancyGrid on `map`, and a topic has one type."""
    bags = {"bag": str(scene.query), "context_bag": str(scene.context)} if name == "demo" else {}
    started, _ = launch(name, **bags, **stated)
    ours = {"mapper", "localizer", "visualizer"} & set(started)
    assert (
        ours
        == {
            "localization": {"localizer", "visualizer"},
            "mapping": {"mapper"},
            "demo": {"mapper", "localizer", "visualizer"},
        }[name]
    )
    found = {dict(started[node].remappings).get("map", "map") for node in ours}
    assert found == {topic}


@pytest.mark.parametrize(
    ("stated", "published", "heard"),
    [
        ({}, "pose", "pose"),
        ({"nav2_compat": "true"}, "amcl_pose", "amcl_pose"),
        ({"nav2_compat": "true", "pose": "/other/pose"}, "amcl_pose", "/other/pose"),
        ({"nav2_compat": "true", "pose": "pose"}, "amcl_pose", "pose"),
        ({"pose": "amcl_pose"}, "pose", "amcl_pose"),
    ],
)
def test_a_mapper_hears_the_poses_of_a_localizer_that_is_amcl(
    launch: Launch, stated: dict[str, str], published: str, heard: str
) -> None:
    """Both launch files with the same arguments, but for `pose`, which only one of them has."""
    shared = {name: word for name, word in stated.items() if name != "pose"}
    localizer = launch("localization", **shared)[0]["localizer"]
    mapper = launch("mapping", live_poses="pose_with_covariance", **stated)[0]["mapper"]
    assert dict(localizer.remappings).get("pose", "pose") == published
    assert dict(mapper.remappings).get("pose", "pose") == heard
    # How sure it is, is said on the same name whatever the node is called.
    assert "status" not in dict(localizer.remappings)
    assert dict(mapper.remappings).get("status", "status") == "status"


def test_the_simulated_demo_hands_its_map_on(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path))
    started, _ = launch("demo", views="2", map="views", visualize="true")
    for node in ("mapper", "localizer", "visualizer"):
        assert dict(started[node].remappings)["map"] == "views"


def test_an_rviz_that_is_not_there_is_said_before_anything_starts(launch: Launch) -> None:
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError:
        with pytest.raises(ConfigurationError, match="rviz2"):
            launch("localization", has_rviz=False, rviz="true")
    assert "localizer" in launch("localization", has_rviz=False, rviz="false")[0]
