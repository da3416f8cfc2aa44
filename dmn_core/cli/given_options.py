"""What a command line says of a few options, before it is parsed: defaults depend on it."""

from __future__ import annotations

from collections.abc import Sequence

from dmn_core.data.sources import SOURCES
from dmn_core.training.config import TrainingConfig


def given_words(option: str, arguments: Sequence[str]) -> list[str] | None:
    """The words of an option, given as `--option a b` or `--option=a`; None if it is not given.

    As for the parser, the last one counts, and `_` is as good as `-`.
    """
    found: list[str] | None = None
    reading = False
    for word in arguments:
        if word.startswith("--"):
            name, equals, after = word.partition("=")
            reading = name.replace("_", "-") == f"--{option}"
            if reading:
                found = [after] if equals else []
        elif reading and found is not None:
            found.append(word)
    return found


def given(option: str, arguments: Sequence[str]) -> str | None:
    """The first word of an option; None if it is not given, nothing if it has no word."""
    words = given_words(option, arguments)
    if words is None:
        return None
    return words[0] if words else ""


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
