"""Localize a robot in the map that a mapper publishes, now or later."""

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from dmn_ros.launching import (
    AMCL,
    AMCL_POSE,
    arguments,
    for_nav2,
    image_transport,
    node,
    rviz,
    value,
    view_map,
    visualizer,
)


def nodes(context: LaunchContext) -> list[Node]:
    """The localizer and RViz, with the values of the launch arguments."""
    options: dict[str, Any] = {}
    if for_nav2(context):
        options = {"name": AMCL, "names": {"pose": AMCL_POSE}}
        # What Nav2's configuration of RViz shows.
        options["fixed"] = {"particle_cloud_type": "auto"}
        if not value(context, "autostart"):
            # Nav2's lifecycle manager leads it, and counts a node that is ahead as failed.
            options["fixed"] |= {"autostart": False}
    names = options.get("names", {})
    options["names"] = names | view_map(context)
    return [
        node(
            context,
            "localizer",
            config="localizer.yaml",
            settings=("image_transport",),
            remap={"image": "image", "odom": "odom"},
            **options,
        ),
        *visualizer(context, remap=options["names"]),
        rviz(
            context,
            image=value(context, "image"),
            transport=image_transport(context, options.get("name", "localizer")),
            remap=names,
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the localizer, and RViz where it is asked for."""
    names = (
        *("namespace", "use_sim_time", "params_file", "image", "odom", "map", "rviz"),
        *("visualize", "log_level", "autostart", "use_respawn", "nav2_compat"),
    )
    return LaunchDescription(
        [
            *arguments(*names),
            # Empty, so that a params_file is heard.
            *arguments("image_transport", image_transport=""),
            OpaqueFunction(function=nodes),
        ]
    )
