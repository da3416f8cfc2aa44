"""Where commands print their tables."""

from __future__ import annotations

import rich.console


class Console(rich.console.Console):
    """rich's, but a reader that has had enough is for `main` to deal with, as with any print."""

    def on_broken_pipe(self) -> None:
        """Leave it to the caller.

        Raises:
            BrokenPipeError: as it came.
        """
        raise
