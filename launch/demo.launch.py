"""The demo on the shipped bags: a table, pictures and a result bag, with RViz where asked for."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix

from dmn_ros.launching import arguments, rviz

BAGS = Path(get_package_share_directory("dmn")) / "bags"
ARGUMENTS = {
    "context_bag": str(BAGS / "context"),
    "query_bag": str(BAGS / "query"),
    "rate": "4.0",
}
OPTIONS = {"context_bag": "--context", "query_bag": "--query", "rate": "--rate", "out": "--out"}


def demo(context: LaunchContext) -> list[ExecuteProcess]:
    """The demo, which starts the nodes by itself."""
    command = [PathJoinSubstitution([FindPackagePrefix("dmn"), "lib", "dmn", "demo"])]
    for name, option in OPTIONS.items():
        command += [option, LaunchConfiguration(name)]
    return [ExecuteProcess(cmd=command, output="screen", on_exit=Shutdown())]


def generate_launch_description() -> LaunchDescription:
    """Start the demo, and RViz where it is asked for."""
    return LaunchDescription(
        [
            *arguments(*ARGUMENTS, "rviz", **ARGUMENTS),
            DeclareLaunchArgument("out", default_value="results/demo", description="for results"),
            OpaqueFunction(function=demo),
            rviz(),
        ]
    )
