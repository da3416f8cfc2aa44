"""What a command line says of a few options, before it is parsed: defaults depend on it."""

from __future__ import annotations

from collections.abc import Sequence

from dmn_core.data.sources import SOURCES
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.command_words import given, given_words
from dmn_core.training.config import TrainingConfig

# What a table or a figure would not look at, and what it looks at instead.
_UNHEARD = {
    "table": {
        "data": "takes its data by --sources.rooms, --sources.mazes and --sources.streets",
        "root": "takes downloads by --sources.rooms-root, --sources.mazes-root and "
        "--sources.streets-root",
        "bag": "is about rooms, mazes and streets, no recordings",
        "system": "is about every system that it has a row of",
    },
    "figure": {"system": "is about the systems of --curves.systems"},
}


def refuse_unheard(arguments: Sequence[str]) -> None:
    """Refuse options that a table or a figure of the paper would not look at.

    Raises:
        ConfigurationError: one is given; the message says what to give instead.
    """
    for page, options in _UNHEARD.items():
        number = given(page, arguments)
        if number is None:
            continue
        for option, instead in options.items():
            words = given_words(option, arguments)
            if words is not None:
                raise ConfigurationError(
                    f"--{page} {number} {instead}, got {' '.join([f'--{option}', *words])}: leave "
                    f"--{option} out, or --{page}"
                )


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
