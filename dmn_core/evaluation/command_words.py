"""What a command line says of an option, without the parser: before it runs, or long after."""

from __future__ import annotations

from collections.abc import Sequence


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
