"""Build a map from a context bag, or load one, and publish it."""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from dmn_ros.launching import arguments, node, rviz


def nodes(context: LaunchContext) -> list[Node]:
    """The mapper and RViz, with the values of the launch arguments."""
    return [
        node(context, "mapper", config="mapper.yaml", settings=("context_bag", "map_file")),
        rviz(context),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the mapper, and RViz where it is asked for."""
    names = ("namespace", "use_sim_time", "params_file", "context_bag", "map_file")
    return LaunchDescription(
        [
            *arguments(*names, "rviz", "log_level", "autostart", "use_respawn"),
            OpaqueFunction(function=nodes),
        ]
    )
