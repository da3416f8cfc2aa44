"""How the localizer does, as a message."""

from __future__ import annotations

import array

import numpy as np
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovariance

from dmn_core.belief_monitor import Mode
from dmn_core.data.belief_layout import full_covariance
from dmn_ros.conversions import to_pose
from dmn_ros.diagnostics import Snapshot
from dmn_ros.frames import header
from dmn_ros.standing import Standing


def to_status_message(standing: Standing, counts: Snapshot, *, frame_id: str) -> LocalizerStatus:
    """How the localizer stands, with what has become of all images until now."""
    status = standing.status
    return LocalizerStatus(
        header=header(standing.stamp_ns, frame_id),
        state=int(status.state),
        reason=status.reason,
        confidence=float(status.confidence),
        success_distance_m=float(status.success_distance_m),
        num_particles=int(status.num_particles),
        ess_ratio=float(status.ess_ratio),
        entropy=float(status.entropy),
        modes=[_mode(mode) for mode in status.modes],
        mode_masses=array.array("f", [mode.mass for mode in status.modes]),
        num_modes=len(status.modes),
        top_mode_mass=float(status.top_mode_mass),
        last_jump_reason=int(status.last_jump),
        mean_log_likelihood=float(status.mean_log_likelihood),
        surprise=float(status.surprise),
        injected_share=float(status.injected_share),
        weighed=standing.weighed,
        inference_ms=standing.inference_ms,
        latency_ms=standing.latency_ms,
        image_age_ms=standing.image_age_ms,
        images_received=counts.received,
        images_processed=counts.processed,
        images_dropped=sum(counts.dropped.values()),
    )


def _mode(mode: Mode) -> PoseWithCovariance:
    message = PoseWithCovariance(pose=to_pose(np.asarray(mode.pose_map_base)))
    message.covariance = full_covariance(mode.covariance)
    return message
