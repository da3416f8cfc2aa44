"""The demo on the shipped bags: a table, pictures and a result bag, with RViz where asked for."""

from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix

from dmn_ros.demo.domain import DOMAIN, TRANSPORTS, own_domain
from dmn_ros.demo.options import find_images
from dmn_ros.launching import arguments, rviz, value

BAGS = Path(get_package_share_directory("dmn")) / "bags"
ARGUMENTS = {
    "context_bag": str(BAGS / "context"),
    "query_bag": str(BAGS / "query"),
    "rate": "4.0",
}
OPTIONS = {"context_bag": "--context", "query_bag": "--query", "rate": "--rate", "out": "--out"}


def demo(context: LaunchContext) -> list[Any]:
    """The demo, which starts the nodes by itself, and RViz for the images of its bag."""
    command = [PathJoinSubstitution([FindPackagePrefix("dmn"), "lib", "dmn", "demo"])]
    for name, option in OPTIONS.items():
        command += [option, LaunchConfiguration(name)]
    images = find_images(Path(value(context, "query_bag")))
    return [
        ExecuteProcess(cmd=command, output="screen", on_exit=Shutdown()),
        rviz(context, image=images.base, transport=images.transport),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the demo, and RViz where it is asked for."""
    domain = EnvironmentVariable(DOMAIN, default_value=str(own_domain()))
    return LaunchDescription(
        [
            *arguments(*ARGUMENTS, "rviz", transports=TRANSPORTS, **ARGUMENTS),
            # RViz and the demo's nodes, and nobody else.
            SetEnvironmentVariable(DOMAIN, domain),
            DeclareLaunchArgument("out", default_value="results/demo", description="for results"),
            OpaqueFunction(function=demo),
        ]
    )
