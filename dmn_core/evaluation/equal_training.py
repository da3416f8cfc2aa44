"""What rows of a table have learned from: they compare where their runs compared as many samples.

Runs draw different numbers of queries for it: only attention can be asked about a query without
comparing it by the whole network. What was compared is the same for all systems at equal steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dmn_core.checkpoint import in_all, in_all_if_known
from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.trained_as import TrainedAs


def weights_line(used: UsedWeights, shown: str) -> str:
    """Weights in a list in Markdown, `shown` for their path."""
    line = f"- {used.tested_in}, {used.subject}: `{shown}` {used.fingerprint}"
    if not used.training:
        return f"{line}, training unknown"
    if used.data not in ("", used.tested_in):
        line += f", trained on {used.data}"
    trained = TrainedAs.of(used.training)
    if trained.contexts is not None:
        line += f", N = {trained.contexts_in_words}"
    own, whole = in_all(used.training, "samples"), in_all(used.run, "samples")
    line += f", {_count(own)} samples"
    if whole != own:
        line += f", the best of {_count(whole)}"
    compared = in_all_if_known(used.run, "compared_samples")
    if compared is not None and compared != whole:
        line += f" ({_count(compared)} of them compared)"
    return f"{line}, {in_all(used.run, 'hours'):.2f} hours"


def unequal_training_lines(weights: Iterable[UsedWeights]) -> list[str]:
    """A warning for each data set whose rows have not learned from as many samples."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for used in weights:
        runs.setdefault(used.tested_in, []).append(used.run)
    lines = []
    for data, of_data in runs.items():
        compared = [in_all_if_known(run, "compared_samples") for run in of_data]
        known = [count for count in compared if count is not None]
        seen = known if len(known) == len(of_data) else [in_all(run, "samples") for run in of_data]
        if min(seen) != max(seen):
            lines.append(
                f"**Not of equal training**: runs for {data} have learned from {_count(min(seen))} "
                f"to {_count(max(seen))} samples.\n"
            )
    return lines


def _count(samples: float) -> str:
    return f"{samples:.0f}"
