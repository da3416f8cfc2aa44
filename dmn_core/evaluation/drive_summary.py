"""A drive that was localized, in figures and a table; replay and demo show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dmn_core.evaluation.belief_figures import BeliefPanel, draw_beliefs
from dmn_core.evaluation.track_figures import draw_track
from dmn_core.evaluation.track_summary import TrackErrors, summary_table, track_errors
from dmn_core.pose_track import PoseTrack
from dmn_core.views import Area, ViewMap

# Beliefs in one picture.
PANELS = 6
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class DriveSummary:
    """Estimates along a drive.

    Attributes:
        stamps_ns: (T,) of the images.
        poses: (T, 3) estimates of the robot in the map.
        truth: where it is known.
        view_map: the map in use.
    """

    stamps_ns: Sequence[int]
    poses: FloatArray
    truth: PoseTrack | None
    view_map: ViewMap

    @cached_property
    def errors(self) -> TrackErrors | None:
        """Errors against the truth, where it is known."""
        return None if self.truth is None else track_errors(self.stamps_ns, self.poses, self.truth)

    def truth_at(self, stamp_ns: int) -> FloatArray | None:
        """The true pose (3,), where it is known."""
        if self.truth is None or not self.truth.covers(stamp_ns):
            return None
        return self.truth.at(stamp_ns)

    def time_s(self, stamp_ns: int) -> float:
        """Seconds since the first image."""
        return (stamp_ns - int(self.stamps_ns[0])) / 1e9

    def table(
        self, *, title: str, images: int, latency_ms: Sequence[float], particles: int
    ) -> Table:
        """The drive in a few numbers."""
        return summary_table(
            title=title,
            images=images,
            poses=len(self.poses),
            errors=self.errors,
            latency_ms=latency_ms,
            particles=particles,
        )

    def draw(self, folder: Path, panels: Sequence[BeliefPanel]) -> list[Path]:
        """Write the pictures of the beliefs and of the track."""
        viewpoints = self.view_map.poses_map_camera[0].double().cpu().numpy()
        area = self.area_m
        beliefs = folder / "belief_over_time.png"
        return [
            draw_beliefs(beliefs, panels, viewpoints=viewpoints, area_m=area),
            draw_track(
                folder / "track.png",
                poses=self.poses,
                truth=None if self.truth is None else self.truth.poses,
                errors=self.errors,
                viewpoints=viewpoints,
                area_m=area,
            ),
        ]

    @property
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max of the map, else around viewpoints and estimates."""
        viewpoints = self.view_map.poses_map_camera[0].double().cpu().numpy()
        corners = np.concatenate((self.poses, viewpoints))[:, :2]
        low, high = corners.min(axis=0) - 1, corners.max(axis=0) + 1
        return self.view_map.area_m or (low[0], high[0], low[1], high[1])
