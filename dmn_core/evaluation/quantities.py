"""What tables and figures are made of: one number of one subject on one kind of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dmn_core.evaluation.data_kinds import DataKind
from dmn_core.evaluation.metrics import Figure, rmse_m, share_percent, success_percent
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.trials import Task, TrialPlan

# Success of localization [%], RMSE [m], or share of nearest contexts that were found [%].
Measure = Literal["success", "rmse", "nearest"]
UNITS: dict[Measure, str] = {"success": "%", "rmse": "m", "nearest": "%"}
_SAME_PLACE_M2 = 1e-6


@dataclass(frozen=True)
class Quantity:
    """A number to be measured.

    Attributes:
        subject: what localizes.
        kind: of data.
        plan: what a trial shows.
        task: what is believed before.
        measure: what is made of the errors.
        t: of which image, from 1.
    """

    subject: Subject
    kind: DataKind
    plan: TrialPlan
    task: Task
    measure: Measure
    t: int

    def of(self, squared_errors_m2: np.ndarray, places: np.ndarray) -> Figure:
        """The number with its interval, from squared errors (trials, T) [m^2] in places."""
        at_t = squared_errors_m2[:, self.t - 1]
        if self.measure == "rmse":
            return rmse_m(at_t, places)
        if self.measure == "nearest":
            return share_percent(at_t < _SAME_PLACE_M2, places)
        return success_percent(at_t, places)

    @property
    def unit(self) -> str:
        """Of the number."""
        return UNITS[self.measure]
