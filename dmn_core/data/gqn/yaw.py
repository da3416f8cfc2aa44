"""What the yaw of a data set means, measured: against where its cameras are known to look."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from dmn_core.data.gqn.published import PublishedSet
from dmn_core.errors import DataError
from dmn_core.pose_track import wrap_angle

_LEAST_SAMPLES = 30
_LEAST_AGREEMENT = 0.6
_SHORTEST_STEP = 0.004
"""In the units of Mazes, whose walkers take steps of 0.014."""


@dataclass(frozen=True)
class YawConvention:
    """How the data's yaw becomes ours: counter-clockwise, 0 along x.

    Attributes:
        sense: 1 where the data counts counter-clockwise, -1 where clockwise.
        quarter_turns: to add.
        agreement: share of samples that look where they are known to, within 45 degrees.
        samples: how many were measured.
    """

    sense: int = 1
    quarter_turns: int = 0
    agreement: float = math.nan
    samples: int = 0

    def to_map(self, yaw: np.ndarray) -> np.ndarray:
        """Yaw of the data [rad] -> yaw in the map [rad], in [-pi, pi)."""
        return np.asarray(wrap_angle(self.sense * yaw + self.quarter_turns * math.pi / 2))

    def __str__(self) -> str:
        """In words, with what was measured."""
        sense = "counter-clockwise" if self.sense == 1 else "clockwise"
        return (
            f"yaw counts {sense} from {90 * self.quarter_turns} degrees "
            f"({self.agreement:.0%} of {self.samples} agree)"
        )


DOCUMENTED = YawConvention()
"""Forward is (cos yaw, sin yaw): what was found in the original Mazes."""


def known_directions(cameras: np.ndarray, published: PublishedSet) -> np.ndarray:
    """Pairs (M, 2) of a scene's yaw and the direction [rad] in which that camera should look.

    Args:
        cameras: (S, 5) as published, in the order of the record.
        published: the data set; where cameras look anywhere there are no pairs.
    """
    if published.facing == "centre":
        return np.column_stack([cameras[:, 3], np.arctan2(-cameras[:, 1], -cameras[:, 0])])
    if published.facing == "anywhere":
        return np.empty((0, 2))
    steps = np.diff(cameras[:, :2], axis=0)
    walks = np.hypot(*steps.T) > _SHORTEST_STEP
    return np.column_stack([cameras[:-1, 3], np.arctan2(steps[:, 1], steps[:, 0])])[walks]


def measure(pairs: np.ndarray) -> YawConvention:
    """The convention under which most pairs (M, 2) of yaw and known direction agree."""
    if not len(pairs):
        return DOCUMENTED
    yaw, direction = pairs.T
    tried = []
    for sense in (1, -1):
        for turns in (0, 1, 2, -1):
            error = wrap_angle(direction - YawConvention(sense, turns).to_map(yaw))
            agreement = float(np.mean(np.abs(error) < math.pi / 4))
            tried.append(YawConvention(sense, turns, agreement, len(pairs)))
    return max(tried, key=lambda convention: convention.agreement)


def decide(pairs: np.ndarray, published: PublishedSet) -> YawConvention:
    """The convention to read a data set with; one that differs from the documented is told.

    Raises:
        DataError: cameras that are said to face the centre do not.
    """
    best = measure(pairs)
    if best.samples < _LEAST_SAMPLES:
        return DOCUMENTED
    if best.agreement < _LEAST_AGREEMENT:
        message = (
            f"cameras of {published.folder!r} want to look "
            + ("along their walk" if published.facing == "walk" else "to the centre")
            + f", but at best {best}"
        )
        if published.facing == "centre":
            raise DataError(f"{message}: are these files of another data set?")
        warnings.warn(f"{message}; taken is forward = (cos yaw, sin yaw)", stacklevel=2)
        return DOCUMENTED
    if (best.sense, best.quarter_turns) != (DOCUMENTED.sense, DOCUMENTED.quarter_turns):
        warnings.warn(
            f"{published.folder}: {best}, other than documented; so it is read", stacklevel=2
        )
    return best
