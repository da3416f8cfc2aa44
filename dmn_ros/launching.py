"""What the launch files share: their arguments and how these become parameters of the nodes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
)
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, Shutdown
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from dmn_core.errors import ConfigurationError
from dmn_ros.parameter_files import in_namespace, overruling, parameters_of
from dmn_ros.scratch_file import scratch_file

MANAGED = ("mapper", "localizer")
PLAYER = "bag_player"
# What Nav2 calls the localizer and its pose; the view map, where Nav2's own map is on `map`.
AMCL, AMCL_POSE, NAV2_VIEW_MAP = "amcl", "amcl_pose", "view_map"
# The name of the image display in config/dmn.rviz.
IMAGE, COMPRESSED = "image", "/compressed"
ARGUMENTS = {
    "namespace": ("", "namespace of the nodes and their topics"),
    "use_sim_time": ("false", "whether time comes from /clock"),
    "params_file": ("", "YAML file with parameters; empty: config/ of the package"),
    "context_bag": ("", "bag with images and poses to build the map from"),
    "query_bag": ("", "bag with images and odometry of the robot to be localized"),
    "map_file": ("", "map to load where there is no context_bag, else where the new map is saved"),
    "image": ("image", "image topic, without /compressed"),
    "image_transport": ("raw", "raw or compressed; empty: as params_file says"),
    "odom": ("odom", "odometry topic"),
    "map": ("", "topic of the view map; empty: map, or view_map with nav2_compat"),
    "live_poses": ("", "poses of views while a robot drives; empty: as params_file says"),
    "view_pose": ("view_pose", "topic of these poses with live_poses:=pose"),
    "pose": (
        "",
        "topic of those with covariance; empty: pose, or amcl_pose with nav2_compat",
    ),
    "status": ("status", "topic where their localizer says how sure it is"),
    "rate": ("1.0", "speed of the bag that is played, or of simulated time"),
    "rviz": ("false", "whether to start RViz"),
    "visualize": ("", "whether to publish heat map, modes and paths; empty: where RViz is started"),
    "log_level": ("info", "debug, info, warn or error"),
    "autostart": (
        "",
        "whether nodes start by themselves; empty: as params_file says, but no localizer with "
        "nav2_compat",
    ),
    "use_respawn": ("false", "whether nodes that end are started again"),
    "nav2_compat": ("false", "whether the localizer is amcl to Nav2, and the view map view_map"),
    "bag": ("", "bag of a robot to localize; empty: a simulated robot"),
    "seed": ("0", "of the simulated maze and robot"),
    "views": ("16", "pictures of the simulated maze that the map is made of"),
}
# As they are written in shells, in YAML, and by Python in other launch files.
SWITCH = ("true", "false", "True", "False", "1", "0")
CHOICES = {
    **dict.fromkeys(("use_sim_time", "rviz", "use_respawn", "nav2_compat"), SWITCH),
    **dict.fromkeys(("visualize", "autostart"), ("", *SWITCH)),
    "image_transport": ("", "raw", "compressed"),
    "live_poses": ("", "off", "pose", "pose_with_covariance"),
}
RESPAWN_DELAY_S = 2.0
RVIZ = "rviz2"


def arguments(*names: str, **defaults: str) -> list[DeclareLaunchArgument]:
    """Declarations of launch arguments by name, with other defaults where they are given.

    A word that is none of an argument's choices ends the launch before any node starts.
    """
    return [
        DeclareLaunchArgument(
            name,
            default_value=defaults.get(name, ARGUMENTS[name][0]),
            description=ARGUMENTS[name][1],
            choices=CHOICES.get(name),
        )
        for name in names
    ]


def node(
    context: LaunchContext,
    executable: str,
    *,
    config: str = "",
    settings: Iterable[str] = (),
    fixed: dict[str, Any] | None = None,
    remap: dict[str, str] | None = None,
    names: dict[str, str] | None = None,
    **options: Any,
) -> Node:
    """A node of this package.

    Args:
        context: with the launch arguments.
        executable: its name in the package.
        config: YAML file in config/ that serves where params_file is empty; what follows overrules
            either.
        settings: launch arguments that become parameters of the same name, unless they are empty;
            an empty one leaves the YAML file's value.
        fixed: further parameters.
        remap: names to launch arguments that hold the topics to use instead.
        names: names to the topics to use instead.
        **options: handed on to launch_ros.

    Raises:
        ConfigurationError: params_file is not there.
    """
    parameters: list[Any] = []
    if config:
        stated_file = parameter_file(context)
        parameters.append(
            in_namespace(Path(stated_file), value(context, "namespace"))
            if stated_file
            else PathJoinSubstitution([FindPackageShare("dmn"), "config", config])
        )
    stated = {name: value(context, name) for name in settings}
    told: dict[str, Any] = {name: text for name, text in stated.items() if text}
    told |= fixed or {}
    if "use_sim_time" in context.launch_configurations:
        told["use_sim_time"] = is_true(value(context, "use_sim_time"))
    if executable in MANAGED and (stated_start := value(context, "autostart")):
        told["autostart"] = is_true(stated_start)
    if told:
        namespace, name = value(context, "namespace"), options.get("name", executable)
        parameters.append(overruling(told, node=name, namespace=namespace))
    # A bag is played once.
    if executable != PLAYER and is_true(value(context, "use_respawn")):
        options |= {"respawn": True, "respawn_delay": RESPAWN_DELAY_S}
    return Node(
        package="dmn",
        executable=executable,
        namespace=value(context, "namespace"),
        output="screen",
        parameters=parameters,
        remappings=[
            *((name, value(context, argument)) for name, argument in (remap or {}).items()),
            *(names or {}).items(),
        ],
        arguments=["--ros-args", "--log-level", value(context, "log_level")],
        **options,
    )


def player(context: LaunchContext, bag: Path | str, *, image: str, **fixed: Any) -> Node:
    """The player of a bag, which begins when a localizer has its map and listens to `image`."""
    parameters = {
        "bag": str(bag),
        "rate": number(context, "rate"),
        "wait_for_subscribers": [image],
        "wait_for_localizer": True,
        **fixed,
    }
    return node(context, PLAYER, config="bag_player.yaml", fixed=parameters, on_exit=Shutdown())


def visualizer(context: LaunchContext, *, remap: dict[str, str] | None = None) -> list[Node]:
    """What draws for RViz and Foxglove, where the arguments visualize or rviz ask for it."""
    stated = value(context, "visualize") or value(context, "rviz")
    if not is_true(stated):
        return []
    return [node(context, "visualizer", config="visualizer.yaml", names=remap)]


def rviz(
    context: LaunchContext,
    *,
    image: str = "",
    transport: str = "",
    remap: dict[str, str] | None = None,
) -> Node:
    """RViz with the package's configuration, where the argument rviz asks for it.

    Args:
        context: with the launch arguments.
        image: the topic that the localizer listens to, without /compressed.
        transport: raw or compressed.
        remap: further names of the configuration, to the topics to use instead.

    Raises:
        ConfigurationError: it is asked for and not installed; no node has been started by then.
    """
    if is_true(value(context, "rviz")):
        _require_rviz()
    parameters = []
    if "use_sim_time" in context.launch_configurations:
        parameters.append({"use_sim_time": LaunchConfiguration("use_sim_time")})
    # The nodes' tf is in their namespace, and RViz asks for that of no namespace.
    names = {"/tf": "tf", "/tf_static": "tf_static"} if value(context, "namespace") else {}
    names |= remap or {}
    if image:
        # RViz learns the transport from the end of a name, before that is remapped.
        names |= {IMAGE: image, IMAGE + COMPRESSED: image + COMPRESSED}
    return Node(
        package=RVIZ,
        executable=RVIZ,
        namespace=value(context, "namespace"),
        parameters=parameters,
        remappings=list(names.items()),
        arguments=["-d", rviz_config(compressed=transport == "compressed")],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )


def _require_rviz() -> None:
    try:
        get_package_prefix(RVIZ)
    except PackageNotFoundError:
        raise ConfigurationError(
            f"rviz:=true wants the package {RVIZ!r}, which is not installed: install it, for "
            "instance as ros-jazzy-rviz2, or give visualize:=true and look by Foxglove"
        ) from None


def rviz_config(*, compressed: bool) -> str:
    """A configuration of RViz that shows raw images, or a copy of it that shows compressed ones."""
    path = Path(get_package_share_directory("dmn")) / "config" / "dmn.rviz"
    if not compressed:
        return str(path)
    raw = f"Value: {IMAGE}\n"
    text = path.read_text(encoding="utf-8").replace(raw, f"Value: {IMAGE}{COMPRESSED}\n")
    return scratch_file(text, path.name)


def image_transport(context: LaunchContext, node: str = "localizer") -> str:
    """What a node listens to: as the launch argument says, else as the params_file says of it.

    Args:
        context: with the launch arguments.
        node: its name.
    """
    stated = value(context, "image_transport")
    path = parameter_file(context)
    if not stated and path:
        said = parameters_of(Path(path), node=node, namespace=value(context, "namespace"))
        stated = str(said.get("image_transport", ""))
    return stated or "raw"


def view_map(context: LaunchContext) -> dict[str, str]:
    """The topic of the view map by its name in the nodes, where it is another one.

    Nav2's map server has a map of another type on `map`, and there can be but one.
    """
    topic = value(context, "map") or (NAV2_VIEW_MAP if for_nav2(context) else "map")
    return {} if topic == "map" else {"map": topic}


def for_nav2(context: LaunchContext) -> bool:
    """Whether names are those that Nav2 knows; not every launch file asks."""
    return is_true(context.launch_configurations.get("nav2_compat", ""))


def is_true(stated: str) -> bool:
    """Whether a launch argument says so."""
    return stated.lower() in ("true", "1")


def parameter_file(context: LaunchContext) -> str:
    """The argument params_file, whose file is there, or nothing.

    Raises:
        ConfigurationError: the file is not there; launch itself would go on with the defaults.
    """
    path = os.path.expanduser(value(context, "params_file"))
    if path and not Path(path).is_file():
        raise ConfigurationError(f"params_file:={path} wants a YAML file, and there is none")
    return path


def number(context: LaunchContext, name: str, kind: type[float] = float) -> float:
    """A launch argument that is a number.

    Raises:
        ConfigurationError: it is none, or not a whole one where `kind` is int.
    """
    stated = value(context, name)
    try:
        return kind(stated)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{name}:={stated} wants {wanted}") from None


def value(context: LaunchContext, name: str) -> str:
    """A launch argument, which the launch file declares."""
    return str(context.launch_configurations[name])
