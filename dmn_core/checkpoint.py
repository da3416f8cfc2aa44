"""Weights on disk: safetensors with configuration, record and convention version inside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dmn_core.config import from_dict, to_dict
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.observation import LocalizationNetwork, NetworkConfig, build_network
from dmn_core.whole_file import whole_file

# Changes when frames, units, image scaling or layer order do (docs/conventions.md).
CONVENTION_VERSION = "1"
CHECKPOINT_KIND = "dmn-network"


@dataclass(frozen=True)
class Checkpoint:
    """A network read from disk, with what is known of its making.

    Attributes:
        network: in evaluation mode.
        fingerprint: identifies the weights; maps carry it.
        record: how it was trained: command, samples, results.
    """

    network: LocalizationNetwork
    fingerprint: str
    record: dict[str, Any] = field(default_factory=dict)


def in_all(record: dict[str, Any], quantity: str) -> float:
    """Samples, steps or hours of a run and of those that its weights were trained in before."""
    return record.get(quantity, 0) + record.get("before", {}).get(quantity, 0)


def in_all_if_known(record: dict[str, Any], quantity: str) -> float | None:
    """The same, or None where some run of the weights did not record it."""
    runs = [record, *([record["before"]] if "before" in record else [])]
    return in_all(record, quantity) if all(quantity in run for run in runs) else None


def read_record(path: Path) -> dict[str, Any]:
    """How the weights in a file were trained; nothing where the file says nothing."""
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {}).get("record", "{}"))
    except (SafetensorError, OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def weights_fingerprint(network: LocalizationNetwork) -> str:
    """Hash of names, shapes and half-precision values of all weights, 16 hex digits.

    Half precision, so that weights keep their fingerprint when they are shipped as float16.
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}".encode())
        digest.update(value.detach().to("cpu", torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_checkpoint(
    path: Path,
    network: LocalizationNetwork,
    *,
    record: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights (float16 unless told), configuration and training record to `path`."""
    metadata = {
        "kind": CHECKPOINT_KIND,
        "convention_version": CONVENTION_VERSION,
        "network": json.dumps(to_dict(network.config)),
        "record": json.dumps(record or {}),
    }
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in network.state_dict().items()}
    with whole_file(path) as partial:
        save_file(tensors, partial, metadata=metadata)


def load_checkpoint(path: Path | str, *, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a network as float32 in evaluation mode.

    Raises:
        CheckpointError: no such file, not a checkpoint, other conventions, or weights that do not
            fit the network that its configuration describes.
    """
    metadata, tensors = read_safetensors(Path(path), kind=CHECKPOINT_KIND, error=CheckpointError)
    try:
        config = from_dict(NetworkConfig, json.loads(metadata["network"]))
        record = json.loads(metadata["record"])
    except (KeyError, ValueError, ConfigurationError) as error:
        raise CheckpointError(f"{str(path)!r} carries no usable configuration: {error}") from error
    with torch.device("meta"):  # weights come from the file, none are to be drawn
        network = build_network(config)
    try:
        # Copies: what lies in a mapped file is not aligned as kernels like it.
        weights = {name: value.to(torch.float32, copy=True) for name, value in tensors.items()}
        network.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"weights in {str(path)!r} do not fit the network {config!r}: {error}"
        ) from error
    network = network.to(device).eval().requires_grad_(False)
    return Checkpoint(network, weights_fingerprint(network), record)


def read_safetensors(
    path: Path, *, kind: str, error: type[Exception]
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file of ours.

    Raises `error` when the file is missing, damaged, of another kind or of other conventions.
    """
    if not path.is_file():
        raise error(f"wanted a {kind} file, found none at {str(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except (SafetensorError, OSError) as cause:
        raise error(f"{str(path)!r} is damaged or not a safetensors file: {cause}") from cause
    if metadata.get("kind") != kind:
        raise error(f"{str(path)!r} wants to be a {kind} file, is {metadata.get('kind')!r}")
    if metadata.get("convention_version") != CONVENTION_VERSION:
        raise error(
            f"{str(path)!r} follows convention version {metadata.get('convention_version')!r}, "
            f"this code {CONVENTION_VERSION!r}: make the file again with this version"
        )
    return metadata, tensors
