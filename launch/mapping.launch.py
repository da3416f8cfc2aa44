"""Build a map from a context bag, or load one, and publish it."""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from dmn_ros.launching import AMCL_POSE, arguments, for_nav2, node, rviz, value, view_map

# What live views are made of, by the names in the mapper.
LIVE = ("image", "view_pose", "status")


def nodes(context: LaunchContext) -> list[Node]:
    """The mapper and RViz, with the values of the launch arguments."""
    # Where the localizer of the same arguments publishes.
    pose = value(context, "pose") or (AMCL_POSE if for_nav2(context) else "pose")
    return [
        node(
            context,
            "mapper",
            config="mapper.yaml",
            settings=("context_bag", "map_file", "live_poses", "image_transport"),
            remap={name: name for name in LIVE},
            names={"pose": pose, **view_map(context)},
        ),
        rviz(context),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the mapper, and RViz where it is asked for."""
    names = ("namespace", "use_sim_time", "params_file", "context_bag", "map_file", "map")
    return LaunchDescription(
        [
            *arguments(*names, "rviz", "log_level", "autostart", "use_respawn", "nav2_compat"),
            # Empty, so that a params_file is heard.
            *arguments("live_poses", "image_transport", "pose", *LIVE, image_transport=""),
            OpaqueFunction(function=nodes),
        ]
    )
