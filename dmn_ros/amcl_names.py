"""What nav2_amcl calls things, so that its parameter files serve here."""

from __future__ import annotations

# Motion models by the names of its plugins.
MOTION_MODELS = {
    "nav2_amcl::DifferentialMotionModel": "differential",
    "nav2_amcl::OmniMotionModel": "omni",
}

# Parameters of lasers, of its map, and of what this package does otherwise.
IGNORED = frozenset(
    {
        "allow_parameter_qos_overrides",
        "autostart_node",
        "beam_skip_distance",
        "beam_skip_error_threshold",
        "beam_skip_threshold",
        "bond_heartbeat_period",
        "do_beamskip",
        "freespace_downsampling",
        "initial_pose.z",
        "introspection_mode",
        "lambda_short",
        "laser_importance_factor",
        "laser_likelihood_max_dist",
        "laser_max_range",
        "laser_min_range",
        "laser_model_type",
        "map_topic",
        "max_beams",
        "scan_topic",
        "service_introspection_mode",
        "sigma_hit",
        "z_hit",
        "z_max",
        "z_rand",
        "z_short",
    }
)
