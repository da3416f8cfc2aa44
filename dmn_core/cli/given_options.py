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


# Others have no such options, or mean something else by them.
_COMMANDS = ("train", "evaluate")
_CURVES = ("7", "8", "9", "10", "11")


def refuse_unheard(arguments: Sequence[str]) -> None:
    """Refuse options of `dmn train` and `dmn evaluate` that would not be looked at.

    Raises:
        ConfigurationError: one is given; the message says what to give instead.
    """
    if arguments[:1] and arguments[0] in _COMMANDS:
        _refuse_beside_a_page(arguments)
        _refuse_without_their_data(arguments)
        _refuse_without_a_page(arguments)


def data_given(arguments: Sequence[str]) -> str | None:
    """The source that options say, which recordings alone do; None if they say none there is."""
    said = given("data", arguments) or ("bags" if given("bag", arguments) else None)
    return said if said in SOURCES else None


def _refuse_beside_a_page(arguments: Sequence[str]) -> None:
    for page, options in _UNHEARD.items():
        number = given(page, arguments)
        if number is None:
            continue
        for option, instead in options.items():
            if given(option, arguments) is not None:
                raise ConfigurationError(
                    f"--{page} {number} {instead}, got {_as_given(option, arguments)}: leave "
                    f"--{option} out, or --{page}"
                )


def _refuse_without_their_data(arguments: Sequence[str]) -> None:
    """Refuse what says where data is, beside data that is elsewhere."""
    data, said = data_given(arguments), given("data", arguments)
    if data is None and said:
        return  # the parser says what there is
    if said and data != "bags" and given("bag", arguments):
        raise ConfigurationError(
            f"--bag is for data 'bags', got --data {said} beside {_as_given('bag', arguments)}: "
            "leave one of them out"
        )
    told = _first_given(("bag", "data"), arguments)
    if given("root", arguments) and (data is None or SOURCES[data].needs != "root"):
        downloads = [name for name, source in SOURCES.items() if source.needs == "root"]
        raise ConfigurationError(
            f"{_as_given('root', arguments)} is a folder of downloaded data and wants --data "
            f"{', '.join(downloads[:-1])} or {downloads[-1]}, got {told}: say which it is, or "
            "leave --root out"
        )
    topics = _given_of("topics", arguments)
    if topics and data != "bags":
        raise ConfigurationError(
            f"--{topics[0]} is about recordings and wants --bag, got {told}: give recordings, or "
            f"leave --{topics[0]} out"
        )


def _refuse_without_a_page(arguments: Sequence[str]) -> None:
    """Refuse what only tables, or only curves, look at."""
    sources, curves = _given_of("sources", arguments), _given_of("curves", arguments)
    if sources and given("table", arguments) is None:
        raise ConfigurationError(
            f"--{sources[0]} is for tables, got {_first_given(('figure', 'table'), arguments)}: "
            "give --data and --root, by which all else takes its data, or --table"
        )
    if curves and given("figure", arguments) not in _CURVES:
        raise ConfigurationError(
            f"--{curves[0]} is for figures 7 to 11, got "
            f"{_first_given(('table', 'figure'), arguments)}: leave --{curves[0]} out, or give "
            "one of these as --figure"
        )


def _given_of(group: str, arguments: Sequence[str]) -> list[str]:
    """Names of the options of a group that are given, as `group.option`."""
    names = (word[2:].partition("=")[0].replace("_", "-") for word in arguments if word[:2] == "--")
    return [name for name in names if name.startswith(f"{group}.")]


def _first_given(options: Sequence[str], arguments: Sequence[str]) -> str:
    """The first of some options that is given, with its words; else that the last one is not."""
    name = next((name for name in options if given(name, arguments)), None)
    return _as_given(name, arguments) if name else f"no --{options[-1]}"


def _as_given(option: str, arguments: Sequence[str]) -> str:
    return " ".join([f"--{option}", *(given_words(option, arguments) or [])])


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
