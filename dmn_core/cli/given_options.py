"""What a command line says of a few options, before it is parsed: defaults depend on it."""

from __future__ import annotations

from collections.abc import Sequence

from dmn_core.data.sources import SOURCES
from dmn_core.evaluation.command_words import given, given_words
from dmn_core.training.config import TrainingConfig


def asks_for_another_network(arguments: Sequence[str]) -> bool:
    """Whether options say that a run on bags wants another network than the shipped weights are."""
    usual = TrainingConfig()
    height, width = SOURCES["bags"].image_size
    sizes = (["0", "0"], [str(height), str(width)])
    return (
        given("system", arguments) not in (None, usual.system)
        or given("attention", arguments) not in (None, usual.attention)
        or given("final-relu", arguments) is not None
        or given_words("image-size", arguments) not in (None, *sizes)
    )
