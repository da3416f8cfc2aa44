"""The regression localizer: one estimate moved by odometry and corrected by every image.

The counterpart of the particle filter that the paper compares with.

Source: paper section V-B.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose
from dmn_core.observation import LocalizationNetwork
from dmn_core.particle_filter import Belief
from dmn_core.particle_filter.estimate import weighted_mean
from dmn_core.views import ViewMap


class RegressionLocalizer:
    """Localizes in a batch of maps with a network that regresses poses.

    The estimate goes in and comes out, as the belief does with the filter.
    """

    def __init__(self, network: LocalizationNetwork[Any, Any], view_map: ViewMap) -> None:
        """Prepare the maps.

        Raises:
            ConfigurationError: the network weighs particles instead.
        """
        if network.config.head != "pose":
            raise ConfigurationError(
                f"regression wants a network with head 'pose', got {network.config.head!r}: "
                "use weights of a regression system"
            )
        self.network = network
        with torch.inference_mode():
            self._prepared = network.prepare_map(view_map)

    @staticmethod
    def start(belief: Belief) -> Tensor:
        """The first estimate (B, 3): the mean of an initial belief."""
        return weighted_mean(belief)

    def step(self, pose: Tensor, images: Tensor, odometry: Tensor) -> Tensor:
        """Move an estimate by odometry and correct it by an image.

        Args:
            pose: (B, 3) from `start` or the step before [m, m, rad].
            images: (B, 3, H, W) network input.
            odometry: (B, 3) motion since the last step, the new pose seen from the old one.

        Returns:
            The new estimate (B, 3).
        """
        with torch.inference_mode():
            query = self.network.encode_query(images)
            corrected: Tensor = self.network.regress(self._prepared, query, compose(pose, odometry))
        return corrected
