"""Parameters of the particle filter; names are nav2_amcl's where they mean the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import AdaptiveSize, FilterSettings, OdometryNoise
from dmn_core.particle_filter.adaptive_size import BIN_NAMES
from dmn_core.robot import ROBOT_FILTER
from dmn_ros.amcl_names import MOTION_MODELS, OTHER_MODELS
from dmn_ros.declaration import parameter

NOISE = ROBOT_FILTER.noise


@dataclass(frozen=True)
class FilterParameters:
    """Number of particles, recovery, resampling and trust in odometry."""

    min_particles: int = parameter(
        ROBOT_FILTER.size.min_particles,
        "fewest particles; 0 keeps as many as max_particles, and so does 500 where these are fewer",
        low=0,
        high=1000000,
        live=True,
    )
    max_particles: int = parameter(
        2048, "most particles, and those of a start", low=1, high=1000000, live=True
    )
    pf_err: float = parameter(
        ROBOT_FILTER.size.pf_err,
        "error of the belief that decides on the number of particles",
        low=1e-6,
        high=10.0,
        live=True,
    )
    pf_z: float = parameter(
        ROBOT_FILTER.size.pf_z,
        "standard normal quantile of the probability that this error is kept",
        low=1e-6,
        high=10.0,
        live=True,
    )
    spatial_resolution_x: float = parameter(
        ROBOT_FILTER.size.spatial_resolution_x,
        "bin in x of the histogram that this error is of [m]",
        low=0.001,
        high=1000.0,
        live=True,
    )
    spatial_resolution_y: float = parameter(
        ROBOT_FILTER.size.spatial_resolution_y,
        "bin in y of that histogram [m]",
        low=0.001,
        high=1000.0,
        live=True,
    )
    spatial_resolution_theta: float = parameter(
        ROBOT_FILTER.size.spatial_resolution_theta,
        "bin in yaw of that histogram [rad]",
        low=0.001,
        high=2 * math.pi,
        live=True,
    )
    recovery_alpha_slow: float = parameter(
        ROBOT_FILTER.recovery.recovery_alpha_slow,
        "rate of the long mean of how well images fit",
        low=0.0,
        high=1.0,
        live=True,
    )
    recovery_alpha_fast: float = parameter(
        ROBOT_FILTER.recovery.recovery_alpha_fast,
        "rate of the short mean of how well images fit; 0 switches the recovery off",
        low=0.0,
        high=1.0,
        live=True,
    )
    min_injected_share: float = parameter(
        ROBOT_FILTER.recovery.min_injected_share,
        "of the belief, drawn anew at every image in case the robot was carried away",
        low=0.0,
        high=1.0,
        live=True,
    )
    max_injected_share: float = parameter(
        ROBOT_FILTER.recovery.max_injected_share,
        "most of the belief that is drawn anew at one image where the robot seems lost",
        low=0.0,
        high=1.0,
        live=True,
    )
    lost_share: float = parameter(
        ROBOT_FILTER.recovery.lost_share,
        "of the belief, scattered over the area once the robot is lost, and every 10 images while "
        "it stays so; 0 for none",
        low=0.0,
        high=1.0,
        live=True,
    )
    reference_particles: int = parameter(
        ROBOT_FILTER.recovery.reference_particles,
        "poses evenly over the area that tell how well an image fits anywhere; 0 for none, which "
        "wants recovery_alpha_fast 0",
        low=0,
        high=1000000,
        live=True,
    )
    resampling: str = parameter(
        ROBOT_FILTER.resampling,
        "when to resample",
        choices=("never", "always", "effective_size"),
        live=True,
    )
    effective_fraction: float = parameter(
        ROBOT_FILTER.effective_fraction,
        "effective_size resamples below this share of the particles",
        low=1e-6,
        high=1.0,
        live=True,
    )
    soft_alpha: float = parameter(
        ROBOT_FILTER.soft_alpha,
        "1 resamples by weight, less mixes in chance",
        low=1e-6,
        high=1.0,
        live=True,
    )
    resample_interval: int = parameter(
        ROBOT_FILTER.resample_interval,
        "weighed images from one that may resample to the next",
        low=1,
        high=1000,
        live=True,
    )
    estimate: str = parameter(
        ROBOT_FILTER.estimate,
        "mean of all particles or of the heaviest cluster",
        choices=("mean", "cluster"),
        live=True,
    )
    likelihood_power: float = parameter(
        ROBOT_FILTER.likelihood_power,
        "exponent on each image's likelihood; below 1 where images come so close together that "
        "they are not independent",
        low=1e-6,
        high=1.0,
        live=True,
    )
    motion_model: str = parameter(
        NOISE.model,
        "noise of odometry",
        choices=("exact", "differential", "omni"),
        live=True,
    )
    robot_model_type: str = parameter(
        "",
        "the same by its name in nav2_amcl or beluga_amcl; counts instead of motion_model",
        choices=("", *MOTION_MODELS),
        instead=OTHER_MODELS,
        live=True,
    )
    alpha1: float = parameter(
        NOISE.alpha1, "rotation variance from rotation [rad^2 / rad^2]", low=0.0, live=True
    )
    alpha2: float = parameter(
        NOISE.alpha2, "rotation variance from travel [rad^2 / m^2]", low=0.0, live=True
    )
    alpha3: float = parameter(
        NOISE.alpha3, "travel variance from travel [m^2 / m^2]", low=0.0, live=True
    )
    alpha4: float = parameter(
        NOISE.alpha4, "travel variance from rotation [m^2 / rad^2]", low=0.0, live=True
    )
    alpha5: float = parameter(
        NOISE.alpha5, "sideways variance from travel [m^2 / m^2], omni only", low=0.0, live=True
    )
    min_std_xy_m: float = parameter(
        NOISE.min_std_xy_m, "noise added at every image [m]", low=0.0, live=True
    )
    min_std_yaw_rad: float = parameter(
        NOISE.min_std_yaw_rad, "noise added at every image [rad]", low=0.0, live=True
    )

    def filter_settings(self) -> FilterSettings:
        """The filter that these describe.

        Raises:
            ConfigurationError: two of them do not go together.
        """
        default = ROBOT_FILTER.size.min_particles
        if self.min_particles > self.max_particles and self.min_particles != default:
            raise ConfigurationError(
                f"min_particles wants at most max_particles = {self.max_particles}, got "
                f"{self.min_particles}"
            )
        model = MOTION_MODELS.get(self.robot_model_type, self.motion_model)
        return replace(
            ROBOT_FILTER,
            noise=OdometryNoise(
                model=model,  # type: ignore[arg-type]
                alpha1=self.alpha1,
                alpha2=self.alpha2,
                alpha3=self.alpha3,
                alpha4=self.alpha4,
                alpha5=self.alpha5,
                min_std_xy_m=self.min_std_xy_m,
                min_std_yaw_rad=self.min_std_yaw_rad,
            ),
            size=AdaptiveSize(
                min_particles=self.min_particles,
                pf_err=self.pf_err,
                pf_z=self.pf_z,
                **{name: getattr(self, name) for name in BIN_NAMES},
            ),
            recovery=replace(
                ROBOT_FILTER.recovery,
                recovery_alpha_slow=self.recovery_alpha_slow,
                recovery_alpha_fast=self.recovery_alpha_fast,
                min_injected_share=self.min_injected_share,
                max_injected_share=self.max_injected_share,
                lost_share=self.lost_share,
                reference_particles=self.reference_particles,
            ),
            resampling=self.resampling,  # type: ignore[arg-type]
            resample_interval=self.resample_interval,
            effective_fraction=self.effective_fraction,
            soft_alpha=self.soft_alpha,
            estimate=self.estimate,  # type: ignore[arg-type]
            likelihood_power=self.likelihood_power,
        )
