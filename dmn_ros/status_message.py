"""How the localizer does, as a message."""

from __future__ import annotations

import array

import numpy as np
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovariance

from dmn_core.belief_monitor import Mode
from dmn_core.data.belief_layout import full_covariance
from dmn_core.fix import Fix
from dmn_ros.conversions import to_pose
from dmn_ros.diagnostics import Snapshot
from dmn_ros.frames import header


def to_status_message(fix: Fix, counts: Snapshot, *, frame_id: str, now_ns: int) -> LocalizerStatus:
    """The status of a fix, with what has become of all images until now."""
    status = fix.status
    return LocalizerStatus(
        header=header(fix.stamp_ns, frame_id),
        state=int(status.state),
        reason=status.reason,
        confidence=float(status.confidence),
        num_particles=int(status.num_particles),
        ess_ratio=float(status.ess_ratio),
        entropy=float(status.entropy),
        modes=[_mode(mode) for mode in status.modes],
        mode_masses=array.array("f", [mode.mass for mode in status.modes]),
        mean_log_likelihood=float(status.mean_log_likelihood),
        surprise=float(status.surprise),
        injected_share=float(status.injected_share),
        weighed=fix.weighed,
        inference_ms=1e3 * fix.latency_s,
        image_age_ms=1e-6 * (now_ns - fix.stamp_ns),
        images_received=counts.received,
        images_processed=counts.processed,
        images_dropped=sum(counts.dropped.values()),
    )


def _mode(mode: Mode) -> PoseWithCovariance:
    message = PoseWithCovariance(pose=to_pose(np.asarray(mode.pose_map_base)))
    message.covariance = full_covariance(mode.covariance)
    return message
