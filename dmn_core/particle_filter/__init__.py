"""A differentiable particle filter that knows geometry only, not what a likelihood is made of."""

from dmn_core.particle_filter.adaptive_size import AdaptiveSize
from dmn_core.particle_filter.filter import Step, step
from dmn_core.particle_filter.initial_belief import gaussian_belief, uniform_belief
from dmn_core.particle_filter.injection import scattered
from dmn_core.particle_filter.modes import Mode, modes_of
from dmn_core.particle_filter.motion import OdometryNoise, move
from dmn_core.particle_filter.motion_covariance import motion_covariance
from dmn_core.particle_filter.particles import Belief
from dmn_core.particle_filter.recovery import Elsewhere, Evidence, RecoverySettings
from dmn_core.particle_filter.settings import FilterSettings

__all__ = [
    "AdaptiveSize",
    "Belief",
    "Elsewhere",
    "Evidence",
    "FilterSettings",
    "Mode",
    "OdometryNoise",
    "RecoverySettings",
    "Step",
    "gaussian_belief",
    "modes_of",
    "motion_covariance",
    "move",
    "scattered",
    "step",
    "uniform_belief",
]
