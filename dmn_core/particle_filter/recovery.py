"""Noticing that the belief is wrong, and finding the robot again: augmented MCL.

Likelihoods of a network have an unknown factor that changes from image to image, so their running
means say nothing by themselves. The belief is therefore compared with knowing nothing: the gain is
the logarithm of how much better the belief explains an image than poses drawn evenly over the area.
It is that of the network's likelihood itself, whatever power of it the belief is weighed with.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dmn_core.confidence import LEAST_GAIN
from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter.particles import Belief

# A short mean this far below the long one [nats] is chance, unless it is below LEAST_GAIN.
CALM = 1.0


@dataclass(frozen=True)
class RecoverySettings:
    """Augmented MCL; off by default. The names of the rates are nav2_amcl's.

    Attributes:
        recovery_alpha_slow: rate of the long running mean of the gain.
        recovery_alpha_fast: rate of the short one; 0 switches the recovery off.
        min_injected_share: of the belief, injected at every image, in case it was carried away.
        max_injected_share: most of the belief that is injected at one image.
        lost_share: of the belief, scattered over the area once the robot counts as lost, and again
            while it stays so.
        reference_particles: poses, evenly over the area, that the belief is compared with; 0 knows
            no gain, and no recovery.
    """

    recovery_alpha_slow: float = 0.0
    recovery_alpha_fast: float = 0.0
    min_injected_share: float = 0.0
    max_injected_share: float = 0.25
    lost_share: float = 0.0
    reference_particles: int = 0

    def __post_init__(self) -> None:
        """Refuse rates and shares that are none."""
        for name in (
            "recovery_alpha_slow",
            "recovery_alpha_fast",
            "min_injected_share",
            "max_injected_share",
            "lost_share",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(
                    f"{name} wants a number in [0, 1], got {getattr(self, name)!r}"
                )
        if self.min_injected_share > self.max_injected_share:
            raise ConfigurationError(
                f"min_injected_share wants at most max_injected_share = "
                f"{self.max_injected_share!r}, got {self.min_injected_share!r}"
            )
        if self.reference_particles < 0:
            raise ConfigurationError(
                f"reference_particles wants a whole number >= 0, got {self.reference_particles!r}"
            )
        if self.enabled and self.reference_particles == 0:
            raise ConfigurationError(
                "recovery compares with reference_particles and wants more than 0 of them, got 0: "
                "set recovery_alpha_fast to 0, or reference_particles to 128"
            )

    @property
    def enabled(self) -> bool:
        """Whether particles are injected."""
        return self.recovery_alpha_fast > 0

    @property
    def share_when_lost(self) -> float:
        """The share of the belief to scatter where the robot is lost; 0 without recovery."""
        return self.lost_share if self.enabled else 0.0


@dataclass(frozen=True)
class Elsewhere:
    """Where else a robot could be.

    Attributes:
        draw: so many poses (B, M, 3) evenly over the area, from a number M.
        score: log-scores (B, M) of such poses for the current image, up to a constant per row; None
            where nothing is known of them.
    """

    draw: Callable[[int], Tensor]
    score: Callable[[Tensor], Tensor] | None = None

    def candidates(self, count: int) -> Belief:
        """Poses weighted by their scores."""
        poses = self.draw(count)
        even = Belief.equally_weighted(poses)
        return even if self.score is None else even.reweighted(self.score(poses).to(poses.dtype))


@dataclass(frozen=True)
class Evidence:
    """How well the belief explained the images.

    Attributes:
        mean_log_likelihood: (B,) log of the mean likelihood of the last image under the belief
            before it.
        gain: (B,) that, less the log of the mean over the whole area; 0 where that is not known.
        slow: (B,) long running mean of the gain.
        fast: (B,) short running mean of the gain.
        images: how many went into these.
        is_compared: whether the gain is known.
    """

    mean_log_likelihood: Tensor
    gain: Tensor
    slow: Tensor
    fast: Tensor
    images: int = 1
    is_compared: bool = True

    def share_to_inject(self, settings: RecoverySettings) -> Tensor:
        """Share (B,) of the belief to be replaced.

        1 - exp(fast - slow) as in augmented MCL, beyond what chance does, where slow counts for no
        less than a belief that knows little has, so that one that explains images badly is noticed
        even if it never was better. None until the short mean has seen enough images.

        Source: Thrun, Burgard, Fox 2005, table 8.3.
        """
        if not settings.enabled or self.images * settings.recovery_alpha_fast < 1:
            return torch.zeros_like(self.fast)
        below = self.fast - (self.slow - CALM).clamp_min(LEAST_GAIN)
        share = 1 - torch.exp(below.clamp_max(0))
        return share.clamp(settings.min_injected_share, settings.max_injected_share)


def weigh_evidence(
    prior: Belief,
    log_likelihood: Tensor,
    reference: Tensor | None,
    *,
    settings: RecoverySettings,
    before: Evidence | None,
) -> Evidence:
    """Evidence of one image, from the belief before it.

    Args:
        prior: moved, not yet weighed.
        log_likelihood: (B, K) of its particles.
        reference: (B, M) log-likelihoods of poses evenly over the area, if there are any.
        settings: rates of the running means.
        before: evidence of the images before.
    """
    mean = torch.logsumexp(prior.log_weights + log_likelihood.to(prior.log_weights.dtype), dim=-1)
    if reference is None:
        gain = torch.zeros_like(mean)
    else:
        anywhere = torch.logsumexp(reference, dim=-1) - math.log(reference.shape[-1])
        gain = mean - anywhere.to(mean.dtype)
    is_compared = reference is not None
    if before is None:
        return Evidence(mean, gain, slow=gain, fast=gain, is_compared=is_compared)
    images = before.images + 1
    # A plain mean of the first images, which a belief that finds its place leaves behind.
    slowly = max(settings.recovery_alpha_slow, 1 / images)
    slow = before.slow + slowly * (gain - before.slow)
    fast = before.fast + settings.recovery_alpha_fast * (gain - before.fast)
    return Evidence(mean, gain, slow, fast, images, is_compared)


def with_candidates(belief: Belief, candidates: Belief, share: Tensor) -> Belief:
    """The mixture of K particles and M candidates, the latter with a share (B,) of the weight."""
    kept = torch.log1p(-share).unsqueeze(-1) + belief.log_weights
    new = share.log().unsqueeze(-1) + candidates.log_weights
    poses = torch.cat((belief.poses_map_base, candidates.poses_map_base), dim=1)
    return Belief(poses, torch.cat((kept, new), dim=1).to(belief.log_weights.dtype))
