"""What nav2_amcl and beluga_amcl call things, so that their parameter files serve here."""

from __future__ import annotations

# Motion models by the names of nav2_amcl's plugins, and by those of beluga_amcl.
MOTION_MODELS = {
    "nav2_amcl::DifferentialMotionModel": "differential",
    "nav2_amcl::OmniMotionModel": "omni",
    "differential_drive": "differential",
    "omnidirectional_drive": "omni",
}

# Models of beluga_amcl that nothing here is like, with what to do.
OTHER_MODELS = {
    "stationary": (
        "beluga_amcl's model without odometry has no equal here; differential_drive or "
        "omnidirectional_drive serve a robot that stands as well"
    )
}

# Parameters of lasers, of their map, and of what this package does otherwise.
IGNORED = frozenset(
    {
        "allow_parameter_qos_overrides",
        "autostart_delay",
        "beam_skip_distance",
        "beam_skip_error_threshold",
        "beam_skip_threshold",
        "bond_heartbeat_period",
        "bond_timeout",
        "debug",
        "do_beamskip",
        "execution_policy",
        "freespace_downsampling",
        "initial_pose.z",
        "initial_pose_topic",
        "introspection_mode",
        "lambda_short",
        "laser_importance_factor",
        "laser_likelihood_max_dist",
        "laser_max_range",
        "laser_min_range",
        "laser_model_type",
        "map_path",
        "map_topic",
        "max_beams",
        "model_unknown_space",
        "scan_topic",
        "selective_resampling",
        "service_introspection_mode",
        "sigma_hit",
        "z_hit",
        "z_max",
        "z_rand",
        "z_short",
    }
)
