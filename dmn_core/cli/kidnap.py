"""Command `dmn kidnap`: how a robot's localizer does in simulated mazes."""

from __future__ import annotations

from dataclasses import dataclass

from dmn_core.cli.drives import DrivesCommand
from dmn_core.data.rendered_sets import TEST_SEED


@dataclass(frozen=True)
class KidnapCommand(DrivesCommand):
    """Measure a robot's localizer: kidnaps noticed and recovered from, covariance, confidence.

    The robot starts without a pose in a maze that no training saw, drives, and is carried to
    another place without its odometry noticing.
    """

    def run(self) -> None:
        """Carry out the command."""
        localizer = self.localizer()
        self.tell(localizer, self.drive(localizer, TEST_SEED), "robot_trials")
