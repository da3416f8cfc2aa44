"""The belief: weighted poses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Belief:
    """Weighted particles of a batch of robots.

    Attributes:
        poses_map_base: (B, K, 3) [m, m, rad].
        log_weights: (B, K), normalised: their exponentials sum to one.
    """

    poses_map_base: Tensor
    log_weights: Tensor

    @classmethod
    def equally_weighted(cls, poses_map_base: Tensor) -> Belief:
        """Particles (B, K, 3) that all count the same."""
        shape = poses_map_base.shape[:2]
        log_weight = -math.log(shape[1])
        return cls(poses_map_base, poses_map_base.new_full(shape, log_weight))

    @property
    def weights(self) -> Tensor:
        """Weights (B, K), summing to one."""
        return self.log_weights.exp()

    @property
    def effective_size(self) -> Tensor:
        """1 / sum of squared weights, (B,): K when all are equal, 1 when one has all."""
        return torch.exp(-torch.logsumexp(2 * self.log_weights, dim=-1))

    def reweighted(self, log_factor: Tensor) -> Belief:
        """The belief with weights multiplied by exp(log_factor) (B, K) and normalised.

        Source: paper section III, log w_t = log l + log w_{t-1} + eta.
        """
        return replace(self, log_weights=torch.log_softmax(self.log_weights + log_factor, dim=-1))
