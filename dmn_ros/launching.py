"""What the launch files share: their arguments and how these become parameters of the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

TRANSPORTS = "FASTDDS_BUILTIN_TRANSPORTS"
ARGUMENTS = {
    "namespace": ("", "namespace of the nodes and their topics"),
    "use_sim_time": ("false", "whether time comes from /clock"),
    "params_file": ("", "YAML file with parameters; empty: config/ of the package"),
    "context_bag": ("", "bag with images and poses to build the map from"),
    "query_bag": ("", "bag with images and odometry of the robot to be localized"),
    "map_file": ("", "map to load where there is no context_bag, else where the new map is saved"),
    "image": ("image", "image topic, without /compressed"),
    "image_transport": ("raw", "raw or compressed"),
    "odom": ("odom", "odometry topic"),
    "rate": ("1.0", "speed at which the query bag is played"),
    "rviz": ("false", "whether to start RViz"),
    "log_level": ("info", "debug, info, warn or error"),
}


def arguments(*names: str, **defaults: str) -> list[Any]:
    """Declarations of launch arguments by name, with other defaults where they are given.

    Best-effort images above 512 KiB are lost by the default transports, so others are set along,
    unless the environment says which.
    """
    return [
        SetEnvironmentVariable(
            TRANSPORTS, EnvironmentVariable(TRANSPORTS, default_value="LARGE_DATA")
        ),
        *(
            DeclareLaunchArgument(
                name,
                default_value=defaults.get(name, ARGUMENTS[name][0]),
                description=ARGUMENTS[name][1],
            )
            for name in names
        ),
    ]


def node(
    context: LaunchContext,
    executable: str,
    *,
    config: str = "",
    settings: Iterable[str] = (),
    fixed: dict[str, Any] | None = None,
    remap: dict[str, str] | None = None,
    **options: Any,
) -> Node:
    """A node of this package.

    Args:
        context: with the launch arguments.
        executable: its name in the package.
        config: YAML file in config/ that serves where params_file is empty.
        settings: launch arguments that become parameters of the same name, unless they are empty;
            an empty one leaves the YAML file's value.
        fixed: further parameters.
        remap: names to launch arguments that hold the topics to use instead.
        **options: handed on to launch_ros.
    """
    parameters: list[Any] = []
    if config:
        default = PathJoinSubstitution([FindPackageShare("dmn"), "config", config])
        parameters.append(value(context, "params_file") or default)
    stated = {name: value(context, name) for name in settings}
    parameters += [
        {name: ParameterValue(text, value_type=str)} for name, text in stated.items() if text
    ]
    parameters += [{name: setting} for name, setting in (fixed or {}).items()]
    if "use_sim_time" in context.launch_configurations:
        parameters.append({"use_sim_time": LaunchConfiguration("use_sim_time")})
    return Node(
        package="dmn",
        executable=executable,
        namespace=value(context, "namespace"),
        output="screen",
        parameters=parameters,
        remappings=[(name, value(context, argument)) for name, argument in (remap or {}).items()],
        arguments=["--ros-args", "--log-level", value(context, "log_level")],
        **options,
    )


def rviz() -> Node:
    """RViz with the package's configuration, where the argument rviz asks for it."""
    config = PathJoinSubstitution([FindPackageShare("dmn"), "config", "dmn.rviz"])
    return Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", config],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )


def value(context: LaunchContext, name: str) -> str:
    """A launch argument."""
    return str(context.launch_configurations.get(name, ARGUMENTS[name][0]))
