"""Maps on disk: safetensors with viewpoints, embeddings, area, records and fingerprint.

Pictures of the views lie behind each other in one tensor. Embeddings are in half precision, as in
memory (docs/decisions/0011).
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from dmn_core.checkpoint import CONVENTION_VERSION, read_safetensors
from dmn_core.errors import MapError
from dmn_core.map_codec import area_of, records_from_json, records_to_json
from dmn_core.views import ViewMap, ViewRecord, in_half_precision
from dmn_core.whole_file import whole_file

MAP_KIND = "dmn-view-map"


def save_map(path: Path | str, view_map: ViewMap) -> None:
    """Write a map; an older file is replaced only when the new one is complete."""
    metadata = {
        "kind": MAP_KIND,
        "convention_version": CONVENTION_VERSION,
        "weights_fingerprint": view_map.weights_fingerprint,
        "area_m": json.dumps(view_map.area_m),
        "records": records_to_json(view_map.records),
    }
    tensors = {
        "embeddings": view_map.embeddings.detach().to("cpu", torch.float16).contiguous(),
        "poses_map_camera": view_map.poses_map_camera.detach().cpu().contiguous(),
        **_pictures(view_map.records),
    }
    try:
        with whole_file(Path(path).expanduser()) as partial:
            save_file(tensors, partial, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise MapError(f"cannot write the map to {str(path)!r}: {error}") from error


def load_map(path: Path | str) -> ViewMap:
    """Read a map.

    Raises:
        MapError: no such file, damaged, not a map, or of other conventions.
    """
    metadata, tensors = read_safetensors(Path(path).expanduser(), kind=MAP_KIND, error=MapError)
    try:
        if not all(tensors[name].isfinite().all() for name in ("embeddings", "poses_map_camera")):
            raise ValueError("it holds numbers that are not finite")
        return ViewMap(
            in_half_precision(tensors["embeddings"]),
            tensors["poses_map_camera"],
            area_of(json.loads(metadata["area_m"])),
            metadata["weights_fingerprint"],
            # Maps from before there were records have none.
            _with_pictures(records_from_json(metadata.get("records", "[]")), tensors),
        )
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise MapError(f"{str(path)!r} lacks parts of a map: {error}; build it again") from error


def _pictures(records: tuple[ViewRecord, ...]) -> dict[str, torch.Tensor]:
    pictures = [record.picture_png for record in records]
    if not any(pictures):
        return {}
    data = bytearray(b"".join(pictures))
    return {
        "pictures": torch.frombuffer(data, dtype=torch.uint8),
        "picture_bytes": torch.tensor([len(picture) for picture in pictures]),
    }


def _with_pictures(
    records: tuple[ViewRecord, ...], tensors: dict[str, torch.Tensor]
) -> tuple[ViewRecord, ...]:
    if "pictures" not in tensors:
        return records
    sizes = tensors["picture_bytes"].tolist()
    data = tensors["pictures"].numpy().tobytes()
    if len(sizes) != len(records) or min(sizes, default=0) < 0 or sum(sizes) != len(data):
        raise ValueError("its pictures are not those of its views")
    ends = accumulate(sizes)
    return tuple(
        replace(record, picture_png=data[end - size : end])
        for record, size, end in zip(records, sizes, ends, strict=True)
    )
