"""What a replay leaves behind: a result bag, trajectories for evo, figures and a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dmn_core.data.replay import Replay
from dmn_core.data.result_bag import ResultBagWriter
from dmn_core.data.trajectory_io import write_tum
from dmn_core.errors import BagError
from dmn_core.evaluation.belief_figures import BeliefPanel, draw_beliefs, evenly
from dmn_core.evaluation.track_figures import draw_track
from dmn_core.evaluation.track_summary import TrackErrors, summary_table, track_errors

PANELS = 6
FloatArray = NDArray[np.float64]


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
        self.stamps_ns = np.array([fix.stamp_ns for fix in replay.fixes], dtype=np.int64)
        self.poses: FloatArray = np.stack([fix.pose_map_base for fix in replay.fixes])
        self.errors: TrackErrors | None = (
            track_errors(self.stamps_ns.tolist(), self.poses, self.truth) if self.truth else None
        )

    def table(self, *, title: str) -> Table:
        """The figures of the drive."""
        latencies_ms = 1e3 * np.array([fix.latency_s for fix in self.replay.fixes])
        return summary_table(
            title=title,
            images=len(self.replay.recording),
            poses=len(self.poses),
            errors=self.errors,
            latency_ms=np.percentile(latencies_ms, (50, 95)).tolist(),
            particles=len(self.replay.fixes[0].weights),
        )

    def write(self, out: Path) -> list[Path]:
        """Write everything into a folder and name what was written."""
        out.mkdir(parents=True, exist_ok=True)
        return [self._write_bag(out / "bag"), *self._write_tum(out), *self._draw(out)]

    def _write_bag(self, path: Path) -> Path:
        with ResultBagWriter(path) as bag:
            for fix in self.replay.fixes:
                bag.write(
                    fix.stamp_ns,
                    pose=fix.pose_map_base,
                    covariance=fix.covariance,
                    particles=fix.particles_map_base,
                    weights=fix.weights,
                    truth=self._truth_at(fix.stamp_ns),
                    pose_map_odom=fix.pose_map_odom,
                )
        return path

    def _write_tum(self, out: Path) -> list[Path]:
        write_tum(out / "pose.tum", self.stamps_ns, self.poses)
        if self.truth is None:
            return [out / "pose.tum"]
        write_tum(out / "truth.tum", self.truth.stamps_ns, self.truth.poses)
        return [out / "pose.tum", out / "truth.tum"]

    def _draw(self, out: Path) -> list[Path]:
        view_map = self.replay.view_map
        viewpoints = view_map.poses_map_camera[0].double().cpu().numpy()
        corners = np.concatenate((self.poses, viewpoints))[:, :2]
        low, high = corners.min(axis=0) - 1, corners.max(axis=0) + 1
        area = view_map.area_m or (low[0], high[0], low[1], high[1])
        return [
            draw_beliefs(
                out / "belief_over_time.png", self._panels(), viewpoints=viewpoints, area_m=area
            ),
            draw_track(
                out / "track.png",
                poses=self.poses,
                truth=None if self.truth is None else self.truth.poses,
                errors=self.errors,
                viewpoints=viewpoints,
                area_m=area,
            ),
        ]

    def _panels(self) -> list[BeliefPanel]:
        fixes = [self.replay.fixes[i] for i in evenly(len(self.replay.fixes), most=PANELS)]
        wanted = {fix.stamp_ns for fix in fixes}
        images = {stamp: image for stamp, image in self.replay.recording if stamp in wanted}
        return [
            BeliefPanel(
                time_s=(fix.stamp_ns - int(self.stamps_ns[0])) / 1e9,
                particles=fix.particles_map_base,
                weights=fix.weights,
                estimate=fix.pose_map_base,
                covariance=fix.covariance,
                truth=self._truth_at(fix.stamp_ns),
                image=images[fix.stamp_ns],
            )
            for fix in fixes
        ]

    def _truth_at(self, stamp_ns: int) -> FloatArray | None:
        if self.truth is None or not self.truth.covers(stamp_ns):
            return None
        return self.truth.at(stamp_ns)
