"""The command `dmn`: one subcommand a job."""

from __future__ import annotations

import sys
from typing import Annotated, Protocol, TypeAlias, cast

import tyro
from tyro.conf import OmitSubcommandPrefixes, subcommand

from dmn_core.cli.evaluate import EvaluateCommand
from dmn_core.cli.map import MapCommand
from dmn_core.cli.models import ModelsCommand
from dmn_core.cli.replay import ReplayCommand
from dmn_core.cli.train import TrainCommand
from dmn_core.cli.worlds import WorldsCommand
from dmn_core.errors import DmnError


class Command(Protocol):
    """What every subcommand is: a dataclass of its options that can run."""

    def run(self) -> None:
        """Carry out the command."""


AnyCommand: TypeAlias = (
    Annotated[MapCommand, subcommand("map")]
    | Annotated[ReplayCommand, subcommand("replay")]
    | Annotated[TrainCommand, subcommand("train")]
    | Annotated[EvaluateCommand, subcommand("evaluate")]
    | Annotated[WorldsCommand, subcommand("worlds")]
    | Annotated[ModelsCommand, subcommand("models")]
)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it; errors of ours end with one line and status 1."""
    try:
        command = tyro.cli(
            AnyCommand,
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


if __name__ == "__main__":
    main()
