"""Of the images that are weighed, only every so many may change which particles there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.localization import Localizer, Near
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.particle_filter import FilterSettings
from dmn_core.robot import ROBOT_FILTER, RobotSettings, session_of
from dmn_core.views import Views

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
POSES = RNG.uniform(-3, 3, (9, 3))
NEAR = Near((1.0, 2.0, 0.5), ((0.1, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.1)), particles=64)


@pytest.mark.parametrize("interval", [1, 3])
def test_resampling_waits_for_its_turn(interval: int) -> None:
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    settings = replace(ROBOT_FILTER, resampling="always", resample_interval=interval)
    localizer = Localizer(network, settings=settings)
    localizer.use_map(localizer.build_map(Views(IMAGES, POSES)))
    session = session_of(localizer, RobotSettings())
    session.restart(NEAR)
    was_drawn, injected = [], []
    for number in range(9):
        fix = session.update(number, IMAGES[number], np.array([float(number), 0.0, 0.0]))
        assert fix.weighed
        assert session._step is not None
        was_drawn.append(session._step.belief is not session._step.weighed)
        injected.append(float(session._step.injected[0]) > 0)
    expected = [(number + 1) % interval == 0 for number in range(9)]
    assert was_drawn == expected
    assert any(injected)
    assert not any(share and not due for share, due in zip(injected, expected, strict=True))


def test_no_interval_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="resample_interval wants .* >= 1, got 0"):
        FilterSettings(resample_interval=0)
