"""Localize the robot of a query bag in the map of a context bag, and end when it is played."""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction, Shutdown
from launch_ros.actions import Node

from dmn_ros.launching import (
    arguments,
    image_transport,
    is_true,
    node,
    player,
    rviz,
    value,
    visualizer,
)

# Where the bag's transforms are.
TF = {"tf": "/tf", "tf_static": "/tf_static"}
NAMES = (
    *("namespace", "params_file", "context_bag", "query_bag", "map_file", "image"),
    *("image_transport", "odom", "rate", "rviz", "visualize", "log_level", "autostart"),
    *("use_sim_time", "use_respawn"),
)


def nodes(context: LaunchContext) -> list[Node]:
    """Mapper, localizer, the player of the query bag, and RViz."""
    image, transport = value(context, "image"), image_transport(context)
    # Without one of them the others would wait for ever.
    ends = {} if is_true(value(context, "use_respawn")) else {"on_exit": Shutdown()}
    clock = {"clock": True} if is_true(value(context, "use_sim_time")) else {}
    return [
        node(
            context,
            "mapper",
            config="mapper.yaml",
            settings=("context_bag", "map_file"),
            **ends,
        ),
        node(
            context,
            "localizer",
            config="localizer.yaml",
            settings=("image_transport",),
            fixed={"image_queue": "all"},
            remap={"image": "image", "odom": "odom"},
            names=TF,
            **ends,
        ),
        player(
            context,
            value(context, "query_bag"),
            image=image + "/compressed" if transport == "compressed" else image,
            **clock,
        ),
        # The bag's topics are played by their own names, without a namespace.
        *visualizer(context, remap={"ground_truth": "/ground_truth"}),
        rviz(
            context,
            image=image,
            transport=transport,
            remap={"ground_truth": "/ground_truth", "/tf": "/tf", "/tf_static": "/tf_static"},
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the nodes, and RViz where it is asked for."""
    topics = {"image": "/camera/image_raw", "image_transport": "compressed", "odom": "/odom"}
    return LaunchDescription([*arguments(*NAMES, **topics), OpaqueFunction(function=nodes)])
