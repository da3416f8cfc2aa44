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
_FEWEST_SAMPLES = 10
_CLEAR_AGREEMENT = 0.9
"""Of the fewest samples, as a scene of Rooms has them. So many agree by chance under one of eight
conventions in fewer than 1 of 1000 scenes."""
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

    @property
    def is_documented(self) -> bool:
        """Whether it is what was found in the original Mazes: forward is (cos yaw, sin yaw)."""
        return self.sense == 1 and self.quarter_turns == 0

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
    return _by_agreement(pairs)[0]


def _by_agreement(pairs: np.ndarray) -> list[YawConvention]:
    """Every convention, that under which most pairs agree first, and the documented before equals.

    Where there are no pairs, the documented one.
    """
    if not len(pairs):
        return [DOCUMENTED]
    yaw, direction = pairs.T
    tried = []
    for sense in (1, -1):
        for turns in (0, 1, 2, -1):
            error = wrap_angle(direction - YawConvention(sense, turns).to_map(yaw))
            agreement = float(np.mean(np.abs(error) < math.pi / 4))
            tried.append(YawConvention(sense, turns, agreement, len(pairs)))
    return sorted(tried, key=lambda convention: -convention.agreement)


def decide(pairs: np.ndarray, published: PublishedSet) -> YawConvention:
    """The convention to read a data set with.

    One that differs from the documented is told, and that too little was there to measure it. Few
    samples are enough where they leave no doubt, so that a few scenes are read as all are.

    Raises:
        DataError: cameras that are said to face the centre do not.
    """
    if published.facing == "anywhere":
        warnings.warn(
            f"{published.folder}: wanted cameras that show what yaw means, these look anywhere; "
            "taken is forward = (cos yaw, sin yaw), put a shard of rooms_ring_camera beside this "
            "data set to have it measured",
            stacklevel=2,
        )
        return DOCUMENTED
    ranked = _by_agreement(pairs)
    best = ranked[0]
    if best.samples < _LEAST_SAMPLES and not _is_clear(ranked):
        warnings.warn(
            f"{published.folder}: wanted {_FEWEST_SAMPLES} views or more that leave no doubt what "
            f"yaw means, got {best.samples} that do not; taken is forward = (cos yaw, sin yaw), "
            "ask for more --environments to have it measured",
            stacklevel=2,
        )
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
    if not best.is_documented:
        warnings.warn(
            f"{published.folder}: {best}, other than documented; so it is read", stacklevel=2
        )
    return best


def _is_clear(ranked: list[YawConvention]) -> bool:
    """Whether few samples leave no doubt: a walk straight ahead may fit two conventions."""
    best, *others = ranked
    if best.samples < _FEWEST_SAMPLES or best.agreement < _CLEAR_AGREEMENT:
        return False
    return best.is_documented or all(other.agreement < _CLEAR_AGREEMENT for other in others)
