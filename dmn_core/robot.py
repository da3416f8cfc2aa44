"""How a robot localizes, as opposed to the paper's evaluation; nodes and replay share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch

from dmn_core.belief_monitor import MonitorSettings
from dmn_core.calibration import Calibration, load_calibration
from dmn_core.checkpoint import load_checkpoint
from dmn_core.errors import ConfigurationError
from dmn_core.localization import Localizer, choose_device
from dmn_core.motion_gate import MotionGate
from dmn_core.particle_filter import (
    AdaptiveSize,
    FilterSettings,
    OdometryNoise,
    RecoverySettings,
)
from dmn_core.session import Session

# The paper's filter never resamples; one that runs for hours must, and its odometry has noise
# (nav2_amcl's coefficients are too wide for a map that few images tell apart).
# Images of a drive look alike, so that each counts for a fraction of one (docs/decisions/0012), and
# only those that were taken a metre apart count at all (0021).
ROBOT_FILTER = FilterSettings(
    noise=OdometryNoise(
        model="differential",
        alpha1=0.05,
        alpha2=0.02,
        alpha3=0.05,
        alpha4=0.02,
        min_std_xy_m=0.1,
        min_std_yaw_rad=0.02,
    ),
    resampling="effective_size",
    estimate="cluster",
    likelihood_power=0.3,
    size=AdaptiveSize(min_particles=500),
    recovery=RecoverySettings(
        recovery_alpha_slow=0.01,
        recovery_alpha_fast=0.2,
        min_injected_share=0.01,
        max_injected_share=0.05,
        lost_share=0.5,
        reference_particles=128,
    ),
)
ROBOT_GATE = MotionGate(update_min_d=1.0, update_min_a=0.6, first_images=5)

Precision = Literal["float32", "bfloat16"]
PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class RobotSettings:
    """Everything about localizing a robot that does not depend on where its data comes from.

    Attributes:
        particles: number of poses at the start, and the most that are weighed at an image unless
            `filter.size` says otherwise.
        seed: of all random draws; equal seeds and inputs give equal poses.
        filter: noise of odometry, resampling, estimate, recovery.
        gate: how far the robot moves from one weighed image to the next.
        monitor: when the robot counts as lost.
        pose_base_camera: planar pose of the camera on the robot [m, m, rad], x along its view.
        max_odometry_gap_s: longest time between two odometry poses that is bridged.
    """

    particles: int = 2048
    seed: int = 0
    filter: FilterSettings = field(default=ROBOT_FILTER)
    gate: MotionGate = field(default=ROBOT_GATE)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    pose_base_camera: tuple[float, float, float] = (0.0, 0.0, 0.0)
    max_odometry_gap_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        if self.particles < 1:
            raise ConfigurationError(f"particles wants a whole number >= 1, got {self.particles!r}")
        if not self.max_odometry_gap_s > 0:
            raise ConfigurationError(
                f"max_odometry_gap_s wants seconds above 0, got {self.max_odometry_gap_s!r}"
            )


def load_localizer(
    weights: Path,
    *,
    device: str = "auto",
    settings: FilterSettings = ROBOT_FILTER,
    precision: Precision = "float32",
) -> Localizer:
    """A localizer with weights from disk, ready for a map.

    Raises:
        CheckpointError: the weights cannot be used.
        ConfigurationError: no such device or precision.
    """
    if precision not in PRECISIONS:
        raise ConfigurationError(f"precision wants one of {list(PRECISIONS)}, got {precision!r}")
    place = choose_device(device)
    checkpoint = load_checkpoint(weights, device=place)
    return Localizer(
        checkpoint.network,
        settings=settings,
        device=place,
        dtype=PRECISIONS[precision],
        weights_fingerprint=checkpoint.fingerprint,
        calibration=load_calibration(weights, weights_fingerprint=checkpoint.fingerprint),
    )


def conditions_of(robot: RobotSettings) -> dict[str, float | str]:
    """What confidence and covariance depend on besides the weights, named as the node's parameters.

    Which images are weighed, how much each counts, and how far particles part in between.
    """
    noise = asdict(robot.filter.noise)
    return {
        "update_min_d": robot.gate.update_min_d,
        "update_min_a": robot.gate.update_min_a,
        "likelihood_power": robot.filter.likelihood_power,
        "motion_model": noise.pop("model"),
        **noise,
    }


def doubts_of(calibration: Calibration, robot: RobotSettings) -> Iterator[str]:
    """Why confidence and covariance may not hold for a robot, each with what to do."""
    fitted_m, asked_m = calibration.success_distance_m, robot.monitor.success_distance_m
    if not calibration.fits(asked_m):
        yield (
            f"the record of confidence was fitted for success_distance_m {fitted_m:g}, not for "
            f"{asked_m:g}: the confidence is a guess until `dmn calibrate` fits it again"
        )
    others = [
        f"{name} {value} (fitted with {calibration.conditions[name]})"
        for name, value in conditions_of(robot).items()
        if value != calibration.conditions.get(name, value)
    ]
    if others:
        yield (
            f"confidence and covariance were fitted with other settings than {', '.join(others)}, "
            "and may claim too much or too little: leave these as they are in "
            "config/localizer.yaml, or fit again with `dmn calibrate`"
        )


def session_of(localizer: Localizer, robot: RobotSettings) -> Session:
    """A session of a robot, not started."""
    return Session(
        localizer,
        seed=robot.seed,
        pose_base_camera=robot.pose_base_camera,
        gate=robot.gate,
        monitor=robot.monitor,
    )
