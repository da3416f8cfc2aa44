"""What a person sees of a run: progress on the terminal, curves and pictures in TensorBoard."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from dmn_core.training.config import TrainingConfig

REDRAW_S = 10.0
REDRAW_IN_A_FILE_S = 60.0


class Journal:
    """Progress bar and TensorBoard of one call; silent in all processes but the first."""

    def __init__(self, folder: Path, config: TrainingConfig, *, steps: int, silent: bool) -> None:
        """`steps` are done already."""
        self._folder, self._config, self._steps, self._silent = folder, config, steps, silent
        self._open = ExitStack()
        self._writer: Any = None
        self._losses = ""

    def __enter__(self) -> Journal:
        """Open both."""
        self._bar = self._open.enter_context(
            tqdm(
                total=self._config.max_steps or None,
                initial=self._steps,
                unit="step",
                mininterval=REDRAW_S if sys.stderr.isatty() else REDRAW_IN_A_FILE_S,
                disable=self._silent,
            )
        )
        if not self._silent:
            # Takes seconds to import, and the other processes need none.
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(str(self._folder / "tensorboard"))
            self._writer = self._open.enter_context(writer)
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        self._open.close()

    def tick(self, rate: float) -> None:
        """A step is done; `rate` in samples a second."""
        self._bar.set_postfix_str(f"{rate:.0f} samples/s{self._losses}", refresh=False)
        self._bar.update()

    def write(self, entry: dict[str, Any]) -> None:
        """Show an entry of the log."""
        samples, unseen = entry["samples"], entry["unseen"]
        training = entry.get("training", {})  # nothing is trained yet where a run starts
        for part, value in unseen.items():
            curves = {"unseen": value}
            if part in training:
                curves["training"] = training[part]
            self._writer.add_scalars(part, curves, samples)
        for name in ("learning_rate", "samples_per_second", "waiting_share"):
            if name in entry:
                self._writer.add_scalar(name, entry[name], samples)
        trained = f", loss {training['loss']:.4f}" if training else ""
        self._losses = f"{trained}, unseen {unseen['loss']:.4f}"

    def wants_picture(self, steps: int) -> bool:
        """Whether a belief is to be drawn after so many steps."""
        every = self._config.pictures_every * self._config.validate_every_steps
        return every > 0 and steps % every == 0

    def picture(self, figure: Figure, samples: int) -> None:
        """Show a picture of a belief."""
        self._writer.add_figure("belief", figure, samples, close=False)
