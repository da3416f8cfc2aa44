"""Writing a StreetLearn database: what simulated streets and tests are kept in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dmn_core.data.streetlearn.database import GRAPH_KEY
from dmn_core.data.streetlearn.leveldb import import_plyvel
from dmn_core.data.streetlearn.panorama import Panorama, set_coords, to_message
from dmn_core.data.streetlearn.schema import StreetLearnGraph
from dmn_core.errors import DataError


def write_panoramas(path: str | os.PathLike[str], panoramas: Iterable[Panorama]) -> None:
    """Write a new database, graph and all, whole or not at all.

    Args:
        path: of its folder, which must not exist.
        panoramas: at least one, with different ids; what they name as neighbours may be absent.

    Raises:
        DataError: the folder exists or cannot be written, or two panoramas have one id.
    """
    folder, records = Path(path), list(panoramas)
    by_id = {panorama.id: panorama for panorama in records}
    if not records or len(by_id) != len(records):
        raise DataError(
            f"a database wants one or more panoramas with different ids, got {len(records)} with "
            f"{len(by_id)} ids"
        )
    if folder.exists():
        raise DataError(f"{str(folder)!r} exists: remove it, or write to another folder")
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    plyvel = import_plyvel()
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        _write(plyvel.DB(str(partial), create_if_missing=True), by_id)
        partial.replace(folder)
    except (OSError, plyvel.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(f"cannot write {str(folder)!r}: {error}; is the disk full?") from error


def _write(leveldb: Any, panoramas: Mapping[str, Panorama]) -> None:
    places = {name: panorama.place for name, panorama in panoramas.items()}
    graph = StreetLearnGraph()
    _set_bounds(graph, panoramas)
    sizes = _subgraph_sizes(panoramas)
    try:
        for name, panorama in panoramas.items():
            message = to_message(panorama, places)
            leveldb.put(name.encode(), message.SerializeToString())
            message.ClearField("compressed_image")
            graph.pano.append(message)
            graph.connection.add(id=name, subgraph_size=sizes[name], neighbor=panorama.neighbours)
            graph.temporal_connection.add(id=name, neighbor=panorama.temporal_neighbours)
        leveldb.put(GRAPH_KEY, graph.SerializeToString())
    finally:
        leveldb.close()


def _set_bounds(graph: Any, panoramas: Mapping[str, Panorama]) -> None:
    latitudes = [panorama.place.latitude_deg for panorama in panoramas.values()]
    longitudes = [panorama.place.longitude_deg for panorama in panoramas.values()]
    set_coords(graph.min_coords, min(latitudes), min(longitudes))
    set_coords(graph.max_coords, max(latitudes), max(longitudes))


def _subgraph_sizes(panoramas: Mapping[str, Panorama]) -> dict[str, int]:
    """How many panoramas can be reached from each along neighbours, itself included."""
    sizes: dict[str, int] = {}
    for start in panoramas:
        if start in sizes:
            continue
        reached, waiting = {start}, [start]
        while waiting:
            new = set(panoramas[waiting.pop()].neighbours) & panoramas.keys() - reached
            reached |= new
            waiting.extend(new)
        sizes |= dict.fromkeys(reached, len(reached))
    return sizes
