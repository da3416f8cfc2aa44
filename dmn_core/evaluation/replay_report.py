"""What a replay leaves behind: a result bag, trajectories for evo, figures and a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from dmn_core.data.replay import Replay
from dmn_core.data.result_bag import ResultBagWriter
from dmn_core.data.trajectory_io import write_tum
from dmn_core.errors import BagError
from dmn_core.evaluation.belief_figures import BeliefPanel, evenly
from dmn_core.evaluation.drive_summary import PANELS, DriveSummary
from dmn_core.evaluation.track_summary import TrackErrors


class ReplayReport:
    """The fixes of a replay, looked at."""

    def __init__(self, replay: Replay) -> None:
        """Gather poses and errors.

        Raises:
            BagError: odometry covered no image, so there is nothing to report.
        """
        recording = replay.recording
        if not replay.fixes:
            raise BagError(
                f"none of the {len(recording)} images of the query lies within its odometry: check "
                "that both are stamped by the same clock, or raise max_odometry_gap_s"
            )
        self.replay = replay
        self.truth = recording.truth
        self.drive = DriveSummary(
            stamps_ns=[fix.stamp_ns for fix in replay.fixes],
            poses=np.stack([fix.pose_map_base for fix in replay.fixes]),
            truth=recording.truth,
            view_map=replay.view_map,
        )

    @property
    def errors(self) -> TrackErrors | None:
        """Errors against the truth, where it is known."""
        return self.drive.errors

    def table(self, *, title: str) -> Table:
        """The figures of the drive."""
        latencies_ms = 1e3 * np.array([fix.latency_s for fix in self.replay.fixes if fix.weighed])
        return self.drive.table(
            title=title,
            images=len(self.replay.recording),
            latency_ms=np.percentile(latencies_ms, (50, 95)).tolist(),
            particles=len(self.replay.fixes[0].weights),
        )

    def write(self, out: Path) -> list[Path]:
        """Write everything into a folder and name what was written."""
        out.mkdir(parents=True, exist_ok=True)
        return [
            self._write_bag(out / "bag"),
            *self._write_tum(out),
            *self.drive.draw(out, self._panels()),
        ]

    def _write_bag(self, path: Path) -> Path:
        with ResultBagWriter(path) as bag:
            for fix in self.replay.fixes:
                bag.write(
                    fix.stamp_ns,
                    pose=fix.pose_map_base,
                    covariance=fix.covariance,
                    particles=fix.particles_map_base,
                    weights=fix.weights,
                    truth=self.drive.truth_at(fix.stamp_ns),
                    pose_map_odom=fix.pose_map_odom,
                )
        return path

    def _write_tum(self, out: Path) -> list[Path]:
        write_tum(out / "pose.tum", self.drive.stamps_ns, self.drive.poses)
        if self.truth is None:
            return [out / "pose.tum"]
        write_tum(out / "truth.tum", self.truth.stamps_ns, self.truth.poses)
        return [out / "pose.tum", out / "truth.tum"]

    def _panels(self) -> list[BeliefPanel]:
        fixes = [self.replay.fixes[i] for i in evenly(len(self.replay.fixes), most=PANELS)]
        wanted = {fix.stamp_ns for fix in fixes}
        images = {stamp: image for stamp, image in self.replay.recording if stamp in wanted}
        return [
            BeliefPanel(
                time_s=self.drive.time_s(fix.stamp_ns),
                particles=fix.particles_map_base,
                weights=fix.weights,
                estimate=fix.pose_map_base,
                covariance=fix.covariance,
                truth=self.drive.truth_at(fix.stamp_ns),
                image=images[fix.stamp_ns],
            )
            for fix in fixes
        ]
