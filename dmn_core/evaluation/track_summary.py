"""How well a drive was localized, in the few numbers that a demo prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dmn_core.calibration import SUCCESS_SQUARED_ERROR_M2
from dmn_core.pose_track import PoseTrack, wrap_angle


@dataclass(frozen=True)
class TrackErrors:
    """Errors of estimates against the truth, one for each estimate that the truth covers.

    Attributes:
        times_s: (T,) since the first of them.
        position_m: (T,) distance in the plane.
        heading_rad: (T,) absolute turn.
    """

    times_s: NDArray[np.float64]
    position_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]

    @property
    def success(self) -> bool:
        """Whether the squared error at the end is below 80 m^2 (paper section V-A)."""
        return bool(self.position_m[-1] ** 2 < SUCCESS_SQUARED_ERROR_M2)


def track_errors(
    stamps_ns: Sequence[int], poses: NDArray[np.float64], truth: PoseTrack
) -> TrackErrors | None:
    """Errors of poses (T, 3) at their stamps; None where the truth covers none of them."""
    covered = [index for index, stamp in enumerate(stamps_ns) if truth.covers(stamp)]
    if not covered:
        return None
    stamps = np.array([stamps_ns[index] for index in covered], dtype=np.int64)
    off = poses[covered] - np.stack([truth.at(int(stamp)) for stamp in stamps])
    return TrackErrors(
        times_s=(stamps - stamps[0]) / 1e9,
        position_m=np.hypot(off[:, 0], off[:, 1]),
        heading_rad=np.abs(wrap_angle(off[:, 2])),
    )


def summary_table(
    *,
    title: str,
    images: int,
    poses: int,
    errors: TrackErrors | None,
    latency_ms: Sequence[float],
    particles: int,
) -> Table:
    """The table that is shown at the end of a demo or a replay.

    Args:
        title: above the table.
        images: number of images in the bag.
        poses: number of estimates.
        errors: of the estimates, or None where the truth is unknown.
        latency_ms: median and 95th percentile of the time from image to estimate, or nothing.
        particles: number of particles.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("images in the bag", str(images))
    table.add_row("poses", str(poses))
    table.add_row("particles", str(particles))
    for name, value in _error_rows(errors):
        table.add_row(name, value)
    for name, value_ms in zip(("median", "95th percentile"), latency_ms, strict=False):
        table.add_row(f"update latency, {name}", f"{value_ms:.0f} ms")
    return table


def _error_rows(errors: TrackErrors | None) -> list[tuple[str, str]]:
    if errors is None:
        return [("position error", "truth unknown")]
    position, heading = errors.position_m, np.degrees(errors.heading_rad)
    share = np.mean(position**2 < SUCCESS_SQUARED_ERROR_M2)
    return [
        ("position error, first image", f"{position[0]:.2f} m"),
        ("position error, median", f"{np.median(position):.2f} m"),
        ("position error, last image", f"{position[-1]:.2f} m"),
        ("heading error, first image", f"{heading[0]:.0f} deg"),
        ("heading error, median", f"{np.median(heading):.0f} deg"),
        ("heading error, last image", f"{heading[-1]:.0f} deg"),
        ("success (squared error at the end < 80 m2)", "yes" if errors.success else "no"),
        ("images with squared error < 80 m2", f"{100 * share:.0f} %"),
    ]
