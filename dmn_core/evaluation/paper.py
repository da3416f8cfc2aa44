"""What the paper prints, to stand beside what was measured.

Source: paper tables I to VI and figures 7 to 11.
"""

from __future__ import annotations

from typing import NamedTuple

from dmn_core.evaluation.data_kinds import DataKind


class Printed(NamedTuple):
    """A row's figures for one kind of data."""

    sequential_global_percent: float
    one_step_global_percent: float
    tracking_rmse_m: float


_KINDS: tuple[DataKind, ...] = ("rooms", "mazes", "streets")
_ROWS = {
    "dmn": ((95.6, 93.5, 2.76), (75.9, 27.0, 3.22), (73.2, 28.4, 4.15)),
    "view-embedding-regression": ((97.2, 60.5, 1.26), (39.9, 19.0, 4.52), (42.3, 13.4, 6.39)),
    "latent-image": ((94.0, 90.5, 2.90), (69.4, 21.1, 3.41), (37.8, 9.8, 6.13)),
    "latent-image-regression": ((9.6, 5.1, 9.06), (10.1, 5.5, 9.06), (11.1, 10.1, 9.51)),
    "latent-vector": ((92.9, 88.1, 2.97), (40.4, 13.2, 6.07), (15.8, 5.7, 7.75)),
    "latent-vector-regression": ((9.8, 5.6, 8.39), (16.8, 7.3, 7.92), (10.4, 7.1, 9.49)),
    "closest_context": ((11.0, 11.4, 12.84), (39.3, 34.5, 9.92), (8.6, 8.7, 11.17)),
    "uninformed": ((1.7, 2.9, 14.75), (3.3, 3.7, 13.19), (2.7, 7.1, 13.15)),
}
MAIN: dict[str, dict[DataKind, Printed]] = {
    name: dict(zip(_KINDS, (Printed(*row) for row in rows), strict=True))
    for name, rows in _ROWS.items()
}
"""Tables I to III by system and kind of data."""

LARGE_TRACKING_RMSE_M = {"view-embedding-regression": 7.01, "latent-image-regression": 32.77}
"""Table IV, area doubled; the default area is that of Table III."""

NEAREST_LOCALIZATION_PERCENT, NEAREST_CLASSIFICATION_PERCENT = 42.5, 98.5
"""Table V, by what the map was trained for."""

ABLATIONS_PERCENT = {
    "dmn": 75.9,
    "dmn-no-attention": 73.0,
    "dmn-no-egocentric": 57.4,
    "dmn-no-attention-no-egocentric": 37.8,
}
"""Table VI. The same DMN stands in Table II with 73.2."""

LONG_TRAJECTORIES_PERCENT = {"DMN, above": 80.0, "regression, below": 50.0}
"""Figure 10, in words: limits for long trajectories."""
