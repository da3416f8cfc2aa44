"""Whether the robot is lost: state, confidence and figures of a belief, with their reasons.

Computed from the belief and from how well it explained the images; nothing of the network is
needed, and nothing of ROS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray

from dmn_core.calibration import DEFAULT_SUCCESS_M, Calibration
from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import Mode, Step, modes_of
from dmn_core.particle_filter.clusters import CLUSTER_CELL, cell_indices

# How quickly the running means of the gain follow: of recent images, and of what is usual. Both
# are plain means at first, so that a start at a known place, which explains its first image well,
# does not look like a fall.
RECENT_RATE = 0.3
USUAL_RATE = 0.1


class State(IntEnum):
    """What a localizer knows; the numbers are those of the message `LocalizerStatus`."""

    UNINITIALIZED = 0
    GLOBAL = 1
    TRACKING = 2
    DEGRADED = 3
    LOST = 4


# What it says of its pose may be used.
TRUSTED = (State.TRACKING, State.DEGRADED)


class Jump(IntEnum):
    """Why a pose moved otherwise than odometry; the numbers are those of `LocalizerStatus`."""

    NONE = 0
    RESTART = 1
    RECOVERY = 2
    MAP_CHANGE = 3


@dataclass(frozen=True)
class MonitorSettings:
    """When a localizer calls itself what.

    Attributes:
        success_distance_m: the confidence is the probability that the estimate is this close to the
            truth; the paper's limit by default.
        tracking_confidence: from this confidence on, the robot is tracked.
        degraded_confidence: below this, a tracked robot is tracked badly.
        lost_confidence: below this, for `lost_images` images in a row, it is lost.
        lost_images: images, of those that were weighed, that it takes to be lost.
    """

    success_distance_m: float = DEFAULT_SUCCESS_M
    tracking_confidence: float = 0.6
    degraded_confidence: float = 0.5
    lost_confidence: float = 0.35
    lost_images: int = 3

    def __post_init__(self) -> None:
        """Refuse limits in the wrong order."""
        if not self.success_distance_m > 0:
            raise ConfigurationError(
                f"success_distance_m wants metres above 0, got {self.success_distance_m!r}"
            )
        limits = (self.lost_confidence, self.degraded_confidence, self.tracking_confidence)
        if not 0 <= limits[0] <= limits[1] <= limits[2] <= 1:
            raise ConfigurationError(
                "confidences want 0 <= lost_confidence <= degraded_confidence <= "
                f"tracking_confidence <= 1, got {limits!r}"
            )
        if self.lost_images < 1:
            raise ConfigurationError(
                f"lost_images wants a whole number >= 1, got {self.lost_images!r}"
            )


@dataclass(frozen=True)
class LocalizerStatus:
    """How a localizer does.

    Attributes:
        state: of the localizer.
        reason: why, in words.
        confidence: probability in [0, 1] that the estimate is within the success distance.
        success_distance_m: that distance.
        num_particles: of the belief.
        ess_ratio: effective number of particles over their number, in (0, 1].
        entropy: of the belief over cells of 1 m, 1 m and 0.5 rad, divided by that of as many cells
            as there are particles; 0 where one cell holds all, 1 where each particle has its own.
        modes: places where the robot may be, by falling mass.
        mean_log_likelihood: log of the mean likelihood of the last image under the belief before
            it, up to a constant of the image.
        gain: that, less the same of poses evenly over the area [nats]; 0 where it is not known.
        surprise: running mean of the gain less the gain [nats]; above 0 where an image fits worse
            than images before it did.
        injected_share: of the belief, drawn anew because the robot seemed lost.
        mass_near: share of the belief within the success distance of the estimate.
        recent_gain: running mean of the gain over the last images.
        gain_drop: what that lacks to the mean over more images [nats], at least 0: the last images
            fit worse than those before them.
        last_jump: why the pose last moved otherwise than odometry did.
    """

    state: State = State.UNINITIALIZED
    reason: str = "no image was weighed yet"
    confidence: float = 0.0
    success_distance_m: float = DEFAULT_SUCCESS_M
    num_particles: int = 0
    ess_ratio: float = 0.0
    entropy: float = 0.0
    modes: tuple[Mode, ...] = ()
    mean_log_likelihood: float = 0.0
    gain: float = 0.0
    surprise: float = 0.0
    injected_share: float = 0.0
    mass_near: float = 0.0
    recent_gain: float = 0.0
    gain_drop: float = 0.0
    last_jump: Jump = Jump.NONE

    @property
    def top_mode_mass(self) -> float:
        """Share of the belief in its heaviest mode."""
        return self.modes[0].mass if self.modes else 0.0


class StateMachine:
    """From the confidence at one image after the other to the state of the localizer."""

    def __init__(self, settings: MonitorSettings, *, stated: bool = False) -> None:
        """Begin as GLOBAL, or at a stated pose as DEGRADED."""
        self.settings = settings
        self.state = State.DEGRADED if stated else State.GLOBAL
        self._doubtful = 0

    def __call__(self, confidence: float) -> State:
        """The state after an image that was weighed."""
        limits = self.settings
        self._doubtful = self._doubtful + 1 if confidence < limits.lost_confidence else 0
        if confidence >= limits.tracking_confidence:
            self.state = State.TRACKING
        elif self.state in TRUSTED:
            if self._doubtful >= limits.lost_images:
                self.state = State.LOST
            elif confidence < limits.degraded_confidence:
                self.state = State.DEGRADED
        return self.state


class BeliefMonitor:
    """Follows one robot from its start; call it once for every weighed image."""

    def __init__(
        self, settings: MonitorSettings, calibration: Calibration, *, stated: bool = False
    ) -> None:
        """Begin with no idea where the robot is, or at a pose that somebody stated.

        A stated pose is believed until images speak against it: it begins as DEGRADED.
        """
        self._calibration = calibration
        self._states = StateMachine(settings, stated=stated)
        self._is_unconfirmed = stated
        self._usual_gain = self._recent_gain = 0.0
        self._images = 0

    @property
    def settings(self) -> MonitorSettings:
        """The limits in force."""
        return self._states.settings

    @settings.setter
    def settings(self, settings: MonitorSettings) -> None:
        self._states.settings = settings

    def __call__(self, step: Step) -> LocalizerStatus:
        """The status after a step with a batch of one."""
        poses, weights = step.weighed.poses_map_base[0], step.weighed.weights[0]
        gain = float(step.evidence.gain[0])
        usual = self._usual_gain if self._images else gain
        self._images += 1
        self._usual_gain += max(USUAL_RATE, 1 / self._images) * (gain - self._usual_gain)
        self._recent_gain += max(RECENT_RATE, 1 / self._images) * (gain - self._recent_gain)
        estimate = step.pose_map_base[0]
        near = (poses[:, :2] - estimate[:2]).norm(dim=-1) < self.settings.success_distance_m
        mass = float(weights[near].double().sum())
        recent = self._recent_gain
        # Below nothing it would tell how long ago the robot was started, no more.
        drop = max(0.0, self._usual_gain - recent)
        model = self._calibration.at(self.settings.success_distance_m)
        confidence = float(
            model.confidence(
                mass_near=mass,
                recent_gain=recent if step.evidence.is_compared else None,
                gain_drop=drop,
            )
        )
        state = self._states(confidence)
        reason = self._reason(confidence, mass=mass, recent_gain=recent)
        return LocalizerStatus(
            state=state,
            reason=reason,
            confidence=confidence,
            success_distance_m=self.settings.success_distance_m,
            num_particles=len(weights),
            ess_ratio=float(step.weighed.effective_size[0]) / len(weights),
            entropy=belief_entropy(poses.double().cpu().numpy(), weights.double().cpu().numpy()),
            modes=tuple(
                replace(mode, covariance=model.spread.of_mode(mode.covariance))
                for mode in modes_of(poses, weights)
            ),
            mean_log_likelihood=float(step.evidence.mean_log_likelihood[0]),
            gain=gain,
            surprise=usual - gain,
            injected_share=float(step.injected[0]),
            mass_near=mass,
            recent_gain=recent,
            gain_drop=drop,
        )

    def _reason(self, confidence: float, *, mass: float, recent_gain: float) -> str:
        state = self._states.state
        self._is_unconfirmed = self._is_unconfirmed and state == State.DEGRADED
        words = "started at a stated pose" if self._is_unconfirmed else _WORDS[state]
        return (
            f"{words}: confidence {confidence:.2f}, {100 * mass:.0f} % of the belief "
            f"within {self.settings.success_distance_m:.1f} m, images fit "
            f"{math.exp(recent_gain):.2g} times as well as anywhere"
        )


_WORDS = {
    State.UNINITIALIZED: "not started",
    State.GLOBAL: "looking everywhere",
    State.TRACKING: "tracking",
    State.DEGRADED: "tracking badly",
    State.LOST: "lost",
}


def belief_entropy(poses: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Entropy in [0, 1] of particles (K, 3) with weights (K,); see `LocalizerStatus`."""
    if len(weights) < 2:
        return 0.0
    cells = torch.from_numpy(cell_indices(poses, CLUSTER_CELL))
    member = torch.unique(cells, dim=0, return_inverse=True)[1].numpy()
    mass = np.bincount(member, weights=weights)
    mass = mass[mass > 0] / mass.sum()
    return float(np.clip(-(mass * np.log(mass)).sum() / math.log(len(weights)), 0.0, 1.0))
