"""A start that waits for a map, and time that jumps back meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dmn_core.localization import Localizer, Near
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.robot import ROBOT_FILTER, RobotSettings
from dmn_core.views import Views
from dmn_ros.odometry import PosedImage
from dmn_ros.tracking import Tracking

NARROW = ((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 0.001))


@pytest.mark.parametrize(("jumps", "travelled_m"), [(False, 3.0), (True, 0.0)])
def test_odometry_of_before_a_jump_is_not_compared_with_that_of_after(
    jumps: bool, travelled_m: float
) -> None:
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    localizer = Localizer(network, settings=ROBOT_FILTER)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    where = localizer.build_map(Views(images, np.array([[9.0, 9.0, 0.0], [-9.0, -9.0, 1.0]])))
    robot = RobotSettings(particles=128)
    tracking = Tracking(localizer, robot, lambda image: image, on_start=lambda start: None)
    start = Near((1.0, -2.0, 0.0), NARROW, particles=128)
    assert not tracking.start_near(start, stood_at=np.array([50.0, 0.0, 0.0]))
    if jumps:
        tracking.start_again("keep")
    assert tracking.use_map(where)
    fix = tracking.localize(PosedImage(7, images[0], np.array([53.0, 0.0, 0.0])))
    expected = (1.0 + travelled_m, -2.0)
    np.testing.assert_allclose(fix.pose_map_base[:2], expected, atol=0.5)
