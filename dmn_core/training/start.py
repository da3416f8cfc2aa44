"""Weights that a run starts from: whether they fit, and what they have been through."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

from dmn_core.checkpoint import Checkpoint, in_all, in_all_if_known
from dmn_core.errors import CheckpointError
from dmn_core.observation import NetworkConfig
from dmn_core.training.encoding import AnyNetwork


def refuse_other_network(network: AnyNetwork, wanted: NetworkConfig) -> None:
    """Refuse weights that the wanted network cannot start from.

    They may know another field of view, as they go on to learn the new one.

    Raises:
        CheckpointError: they are of another network; the message says how they differ.
    """
    given = asdict(network.config)
    asked = asdict(replace(wanted, field_of_view_deg=network.config.field_of_view_deg))
    differing = {k: (v, given[k]) for k, v in asked.items() if v != given[k]}
    if differing:
        parts = "; ".join(f"{name} {ask!r}, got {got!r}" for name, (ask, got) in differing.items())
        raise CheckpointError(
            f"the run wants weights to start from with {parts}: give other weights, or the "
            "--system and --image-size that these were trained as"
        )


def refuse_useless(loss: float) -> None:
    """Refuse weights to start from by their loss on unseen places.

    Raises:
        CheckpointError: it is not finite, so nothing could be learned from there.
    """
    if not math.isfinite(loss):
        raise CheckpointError(
            f"the weights to start from have a loss of {loss} on unseen places, wanted is a "
            "finite one: give others as --start-from"
        )


def been_through(start: Checkpoint) -> dict[str, Any]:
    """What weights have learned from, over all their runs, for the record of the next one."""
    done = {name: round(in_all(start.record, name), 3) for name in ("steps", "samples", "hours")}
    compared = in_all_if_known(start.record, "compared_samples")
    if compared is not None:
        done["compared_samples"] = compared
    return {"weights_fingerprint": start.fingerprint, **done}
