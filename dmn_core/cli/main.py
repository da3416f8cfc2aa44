"""The command `dmn`: one subcommand a job."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any, Protocol, Union, cast

import tyro
from tyro.conf import OmitSubcommandPrefixes, subcommand

from dmn_core.cli.calibrate import CalibrateCommand
from dmn_core.cli.evaluate import EvaluateCommand
from dmn_core.cli.given_options import refuse_unheard
from dmn_core.cli.kidnap import KidnapCommand
from dmn_core.cli.map import MapCommand
from dmn_core.cli.models import ModelsCommand
from dmn_core.cli.picture import PictureCommand
from dmn_core.cli.replay import ReplayCommand
from dmn_core.cli.train import TrainCommand, recipe_defaults
from dmn_core.cli.worlds import WorldsCommand
from dmn_core.errors import DmnError


class Command(Protocol):
    """What every subcommand is: a dataclass of its options that can run."""

    def run(self) -> None:
        """Carry out the command."""


COMMANDS: dict[str, type] = {
    "map": MapCommand,
    "replay": ReplayCommand,
    "picture": PictureCommand,
    "train": TrainCommand,
    "evaluate": EvaluateCommand,
    "worlds": WorldsCommand,
    "models": ModelsCommand,
    "kidnap": KidnapCommand,
    "calibrate": CalibrateCommand,
}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it; errors of ours end with one line and status 1.

    A reader of what is printed that has had enough, as `head` has, ends it like SIGPIPE.
    """
    try:
        try:
            _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            # There is none where it was closed before the start.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # At exit Python would flush once more.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None


def _run(arguments: list[str]) -> None:
    try:
        refuse_unheard(arguments)
        command = tyro.cli(
            _any_command(arguments),
            prog="dmn",
            args=arguments,
            description="Visual localization with a handful of pictures.",
            config=(OmitSubcommandPrefixes,),
        )
        cast(Command, command).run()
    except DmnError as error:
        print(f"dmn: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _any_command(arguments: list[str]) -> Any:
    """The union of all commands; a recipe that is named decides the defaults of `train`."""
    trains = arguments[:1] == ["train"]
    defaults: dict[str, Any] = {"train": recipe_defaults(arguments)} if trains else {}
    annotated = (
        Annotated[kind, subcommand(name, default=defaults.get(name, tyro.MISSING_NONPROP))]
        for name, kind in COMMANDS.items()
    )
    return Union[tuple(annotated)]  # noqa: UP007


if __name__ == "__main__":
    main()
