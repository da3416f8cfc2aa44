"""What rows of a table have learned from, and how: they compare where that is alike.

Runs draw different numbers of queries: only attention can be asked about a query without comparing
it by the whole network. What was compared is the same for all systems at equal steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dmn_core.checkpoint import in_all, in_all_if_known
from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.subjects import OF_FEWER_PLACES, OF_OTHER_N
from dmn_core.evaluation.trained_as import TrainedAs

# What systems that regress, and weights that classify, are trained for instead of the others'.
OBJECTIVES_OF_THEIR_OWN = ("regression", "classification")


def weights_line(used: UsedWeights, shown: str) -> str:
    """Weights in a list in Markdown, `shown` for their path."""
    line = f"- {used.tested_in}, {used.subject}: `{shown}` {used.fingerprint}"
    if not used.training:
        return f"{line}, training unknown"
    if used.data not in ("", used.tested_in):
        line += f", trained on {used.data}"
    trained = TrainedAs.of(used.training)
    parts = {
        "objective {}": trained.objective,
        "with a loss of attention of weight {:g}": trained.attention_weight,
        "attention by {}": trained.attention != "softmax" and trained.attention,
        "recipe {}": trained.recipe,
        "{}": trained.optimizer,
        "rate {:g}": trained.learning_rate,
        "N = {}": trained.contexts and trained.contexts_in_words,
        "{} pixels": _size(used),
        "{} places": trained.places,
    }
    line += "".join(f", {text.format(value)}" for text, value in parts.items() if value)
    own, whole = in_all(used.training, "samples"), in_all(used.run, "samples")
    line += f", {_count(own)} samples"
    if whole != own:
        line += f", the best of {_count(whole)}"
    compared = in_all_if_known(used.run, "compared_samples")
    if compared is not None and compared != whole:
        line += f" ({_count(compared)} of them compared)"
    return f"{line}, {in_all(used.run, 'hours'):.2f} hours"


def unequal_training_lines(weights: Iterable[UsedWeights]) -> list[str]:
    """Warnings where rows of a data set have not learned from as many samples, or not alike."""
    rows: dict[str, list[UsedWeights]] = {}
    for used in weights:
        rows.setdefault(used.tested_in, []).append(used)
    lines = []
    for data, used_in in rows.items():
        of_data = [used.run for used in used_in]
        compared = [in_all_if_known(run, "compared_samples") for run in of_data]
        known = [count for count in compared if count is not None]
        seen = known if len(known) == len(of_data) else [in_all(run, "samples") for run in of_data]
        if min(seen) != max(seen):
            lines.append(
                f"**Not of equal training**: runs for {data} have learned from {_count(min(seen))} "
                f"to {_count(max(seen))} samples.\n"
            )
        lines += [
            f"**Not trained alike**: rows for {data} differ in {what}: {values}.\n"
            for what, values in _differences(used_in)
        ]
    return lines


def _differences(rows: Iterable[UsedWeights]) -> Iterator[tuple[str, str]]:
    """What differs between trainings that ought to be alike, and who has which value."""
    found: dict[str, dict[object, list[str]]] = {}
    for used in rows:
        for what, value in _to_be_alike(used).items():
            if value:
                found.setdefault(what, {}).setdefault(value, []).append(used.subject)
    for what, by_value in found.items():
        if len(by_value) > 1:
            yield what, "; ".join(f"{v} ({', '.join(who)})" for v, who in by_value.items())


def _to_be_alike(used: UsedWeights) -> dict[str, object]:
    """What rows ought to have in common; what is not known, or differs on purpose, is left out."""
    trained = TrainedAs.of(used.training)
    own_objective = trained.objective in OBJECTIVES_OF_THEIR_OWN
    named_n = OF_OTHER_N in used.subject or trained.objective == "classification"
    return {
        "objective": None if own_objective else trained.objective,
        "recipe": trained.recipe,
        "optimiser": trained.optimizer,
        "attention": trained.attention,
        "places a step": trained.batch,
        "N": trained.contexts and trained.contexts_in_words if not named_n else None,
        "size of images": _size(used),
        "number of training places": None if OF_FEWER_PLACES in used.subject else trained.places,
    }


def _size(used: UsedWeights) -> str | None:
    height, width = used.image_size
    return f"{height} x {width}" if height and width else None


def _count(samples: float) -> str:
    return f"{samples:.0f}"
