"""A simulated robot that finds itself: simulator, mapper, localizer, and RViz where asked for."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from dmn_ros.launch_bags import ask
from dmn_ros.launching import (
    arguments,
    is_true,
    node,
    number,
    player,
    rviz,
    value,
    view_map,
    visualizer,
)

BAGS = Path(get_package_share_directory("dmn")) / "bags"
IMAGE = "camera/image_raw"
PARTICLES = 512
NAMES = (
    *("namespace", "use_sim_time", "params_file", "context_bag", "bag", "rate", "seed", "views"),
    *("map", "rviz", "visualize", "log_level", "autostart", "use_respawn"),
)


def nodes(context: LaunchContext) -> list[Node]:
    """A robot, simulated or out of a bag, and what localizes it."""
    return replayed(context) if value(context, "bag") else simulated(context)


def simulated(context: LaunchContext) -> list[Node]:
    """The robot is simulated, and the map is made of views of its maze."""
    seed, views = int(number(context, "seed", int)), int(number(context, "views", int))
    bag = value(context, "context_bag") or ask("context", str(seed), str(views))
    robot = {
        "seed": seed,
        "rate": number(context, "rate"),
        "publish_clock": is_true(value(context, "use_sim_time")),
    }
    return [
        node(context, "simulator", config="simulator.yaml", fixed=robot),
        *localization(context, bag, names={"image": IMAGE}),
        *visualizer(context, remap=view_map(context)),
        rviz(context, image=IMAGE),
    ]


def replayed(context: LaunchContext) -> list[Node]:
    """The robot is that of a bag, whose topics are played by their own names."""
    bag = value(context, "bag")
    images = ask("images", bag)
    image, transport = images["base"], images["transport"]
    names = {"image": image, "odom": "/odom", "tf": "/tf", "tf_static": "/tf_static"}
    fixed = {"image_transport": transport}
    return [
        *localization(
            context, value(context, "context_bag") or str(BAGS / "context"), names, **fixed
        ),
        player(context, bag, image=images["topic"], clock=True),
        *visualizer(context, remap={"ground_truth": "/ground_truth", **view_map(context)}),
        rviz(
            context,
            image=image,
            transport=transport,
            remap={"ground_truth": "/ground_truth", "/tf": "/tf", "/tf_static": "/tf_static"},
        ),
    ]


def localization(
    context: LaunchContext, context_bag: str, names: dict[str, str], **fixed: str
) -> list[Node]:
    """Mapper and localizer, with particles for a computer without a GPU unless a file says more."""
    few = {} if value(context, "params_file") else {"max_particles": PARTICLES}
    return [
        node(
            context,
            "mapper",
            config="mapper.yaml",
            fixed={"context_bag": context_bag},
            names=view_map(context),
        ),
        node(
            context,
            "localizer",
            config="localizer.yaml",
            fixed={**few, **fixed},
            names=names | view_map(context),
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Start the nodes, and RViz where it is asked for."""
    return LaunchDescription(
        [*arguments(*NAMES, use_sim_time="true"), OpaqueFunction(function=nodes)]
    )
