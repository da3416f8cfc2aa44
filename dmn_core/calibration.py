"""What was learned of how honest a localizer is: a record beside the weights it was fitted for.

`dmn calibrate` makes it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dmn_core.confidence import ConfidenceModel
from dmn_core.errors import CheckpointError
from dmn_core.spread import SpreadModel

# The paper's limit of success; source: section V-A.
SUCCESS_SQUARED_ERROR_M2 = 80.0
DEFAULT_SUCCESS_M = math.sqrt(SUCCESS_SQUARED_ERROR_M2)


@dataclass(frozen=True)
class Calibration:
    """How probable it is that an estimate is right, and how far it may be off.

    Attributes:
        confidence: the probability that the estimate is within the success distance.
        spread: the covariance of its error.
        weights_fingerprint: of the weights that these were fitted for; empty where nothing was.
        success_distance_m: the distance that these were fitted for.
        conditions: settings of the robot that these were fitted with, by name; none where that was
            not recorded.
    """

    confidence: ConfidenceModel = field(default_factory=ConfidenceModel)
    spread: SpreadModel = field(default_factory=SpreadModel)
    weights_fingerprint: str = ""
    success_distance_m: float = DEFAULT_SUCCESS_M
    conditions: dict[str, float | str] = field(default_factory=dict)

    def fits(self, success_distance_m: float) -> bool:
        """Whether it can be asked about another distance; a guess is as good for any."""
        same = math.isclose(self.success_distance_m, success_distance_m, rel_tol=1e-6)
        return same or not self.weights_fingerprint

    def at(self, success_distance_m: float) -> Calibration:
        """This one where it was fitted for a distance, else the one that is not fitted."""
        return self if self.fits(success_distance_m) else UNCALIBRATED


UNCALIBRATED = Calibration()


def calibration_path(weights: Path) -> Path:
    """Where the record of a weights file lies."""
    return weights.with_suffix(".calibration.json")


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write a record."""
    path.write_text(json.dumps(asdict(calibration), indent=2) + "\n")


def load_calibration(weights: Path, *, weights_fingerprint: str) -> Calibration:
    """The record beside a weights file; uncalibrated where there is none for these weights.

    Raises:
        CheckpointError: there is one that cannot be read.
    """
    path = calibration_path(weights)
    if not path.is_file():
        return UNCALIBRATED
    try:
        calibration = _from_record(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"wanted a calibration in {str(path)!r}, got {error!r}: delete the file, or make it "
            "again with `dmn calibrate`"
        ) from error
    fits = calibration.weights_fingerprint == weights_fingerprint
    return calibration if fits else UNCALIBRATED


def _from_record(record: dict[str, Any]) -> Calibration:
    confidence, spread = ConfidenceModel(**record["confidence"]), SpreadModel(**record["spread"])
    return Calibration(**{**record, "confidence": confidence, "spread": spread})
