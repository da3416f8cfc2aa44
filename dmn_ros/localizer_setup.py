"""From the parameters of the localizer to what it works with."""

from __future__ import annotations

from collections.abc import Callable

from dmn_core.localization import Everywhere, Near
from dmn_core.robot import load_localizer
from dmn_ros.camera import CameraListener
from dmn_ros.images import image_decoder
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.managed_node import ManagedNode
from dmn_ros.parameters import as_precision, weights_path
from dmn_ros.tracking import Tracking

NO_RECOVERY = (
    "recovery_alpha_fast is 0, which is nav2_amcl's default: particles are never drawn anew, and a "
    "robot that is lost stays lost; give 0.2, the value in config/localizer.yaml, to have it found"
)


def make_tracking(
    node: ManagedNode, *, on_start: Callable[[Everywhere | Near], None]
) -> tuple[Tracking, CameraListener]:
    """Load the weights, try them, and listen to what the camera of a localizer says of itself.

    Raises:
        DmnError: the weights or a parameter are no good.
    """
    parameters = node.parameters
    assert isinstance(parameters, LocalizerParameters)
    robot = parameters.robot_settings()
    if parameters.random_seed < 0:
        node.get_logger().info(f"random_seed {robot.seed}: give it to have the same again")
    if not robot.filter.recovery.enabled:
        node.get_logger().warning(NO_RECOVERY)
    weights = weights_path(parameters.weights)
    localizer = load_localizer(
        weights,
        device=parameters.device,
        settings=robot.filter,
        precision=as_precision(parameters.precision),
    )
    # Now, while nobody waits: the first step loads libraries, and kernels on a GPU.
    localizer.warm_up()
    node.get_logger().info(f"weights {weights} on {localizer.device}; waiting for a map")
    camera = CameraListener(node, parameters.camera_choice(), localizer.network.config.camera)
    decode = camera.fitting(image_decoder(compressed=parameters.image_transport == "compressed"))
    stated = parameters.initial_pose()
    return Tracking(localizer, robot, decode, stated=stated, on_start=on_start), camera
