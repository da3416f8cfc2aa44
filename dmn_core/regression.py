"""The regression localizer: one estimate, moved by odometry and corrected by every image.

The counterpart of the particle filter that the paper compares with.

Source: paper section V-B.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose
from dmn_core.observation import EncodedQuery, LocalizationNetwork, PreparedMap
from dmn_core.particle_filter import Belief
from dmn_core.particle_filter.estimate import weighted_mean


class RegressionLocalizer:
    """Localizes in a batch of maps with a network that regresses poses.

    The estimate goes in and comes out, as the belief does with the filter.
    """

    def __init__(self, network: LocalizationNetwork[Any, Any], prepared: PreparedMap) -> None:
        """Localize in `prepared`, maps of this network.

        Raises:
            ConfigurationError: the network weighs particles instead.
        """
        if network.config.head != "pose":
            raise ConfigurationError(
                f"regression wants a network with head 'pose', got {network.config.head!r}: "
                "use weights of a regression system"
            )
        self.network = network
        self.prepared = prepared

    def start(self, belief: Belief) -> Tensor:
        """The first estimate (B, 3): the mean of an initial belief."""
        return weighted_mean(belief)

    def step(self, pose: Tensor, query: EncodedQuery, odometry: Tensor) -> Tensor:
        """Move an estimate by odometry and correct it by an image.

        Args:
            pose: (B, 3) from `start` or the step before [m, m, rad].
            query: B encoded images.
            odometry: (B, 3) motion since the last step, the new pose seen from the old one.

        Returns:
            The new estimate (B, 3).
        """
        return self.network.regress(self.prepared, query, compose(pose, odometry))
