"""Weights to start a run from."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict

from dmn_core.errors import CheckpointError
from dmn_core.observation import NetworkConfig
from dmn_core.training.encoding import AnyNetwork


def network_to_start_from(network: AnyNetwork, wanted: NetworkConfig) -> AnyNetwork:
    """A copy of a trained network, to be trained on.

    Raises:
        CheckpointError: it is not the wanted network.
    """
    given = asdict(network.config)
    differing = {k: (v, given[k]) for k, v in asdict(wanted).items() if v != given[k]}
    if differing:
        parts = "; ".join(f"{name} {ask!r}, got {got!r}" for name, (ask, got) in differing.items())
        raise CheckpointError(
            f"the run wants weights to start from with {parts}: give other weights, or the "
            "--system and --image-size that these were trained as"
        )
    return deepcopy(network)
