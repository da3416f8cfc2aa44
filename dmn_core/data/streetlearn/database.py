"""StreetLearn databases on disk: a LevelDB with one record a panorama, and one of their graph."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dmn_core.data.streetlearn.leveldb import cannot_open, import_plyvel
from dmn_core.data.streetlearn.panorama import Panorama, from_message
from dmn_core.data.streetlearn.schema import DecodeError, Pano, StreetLearnGraph
from dmn_core.errors import DataError

GRAPH_KEY = b"panos_connectivity"
_MARK = "CURRENT"  # the file that every LevelDB has
_REQUIRED = ("coords", "heading_deg", "compressed_image")


def find_database(root: str | os.PathLike[str]) -> Path:
    """The folder of the one LevelDB that is `root` or lies up to two folders below it.

    Raises:
        DataError: there is none, or several.
    """
    folder = Path(root).expanduser()
    if (folder / _MARK).is_file():
        return folder
    found = sorted(
        mark.parent for depth in ("*", "*/*") for mark in folder.glob(f"{depth}/{_MARK}")
    )
    if len(found) != 1:
        names = [str(path.relative_to(folder)) for path in found]
        raise DataError(
            f"StreetLearn wants the folder of a LevelDB (it holds a file {_MARK}), or one with "
            f"a single LevelDB below it, got {str(root)!r} with {names or 'none'}: "
            + ("give one of these" if found else "give the unpacked download, such as manhattan_*")
        )
    return found[0]


class StreetLearnDatabase:
    """An open database; nobody else can open it until it is closed.

    Attributes:
        path: of its folder.
        damaged: records that `panoramas` had to skip so far.
    """

    def __init__(self, path: Path, leveldb: Any) -> None:
        self.path = path
        self.damaged = 0
        self._leveldb = leveldb

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> StreetLearnDatabase:
        """Open the LevelDB in the folder `path`.

        Raises:
            DataError: there is none, or it is locked, read-only or damaged, or plyvel is missing.
        """
        plyvel = import_plyvel()
        try:
            return cls(Path(path), plyvel.DB(str(path), create_if_missing=False))
        except (OSError, plyvel.Error) as error:
            raise DataError(cannot_open(Path(path), error)) from error

    def panoramas(self) -> Iterator[Panorama]:
        """Every whole panorama in order of keys; damaged ones are counted, with a warning at last.

        Raises:
            DataError: the database itself is damaged, not only a record in it.
        """
        plyvel = import_plyvel()
        first: str = ""
        try:
            for key, value in self._items():
                if key == GRAPH_KEY:
                    continue
                try:
                    yield _panorama(key, value)
                except DataError as error:
                    self.damaged += 1
                    first = first or str(error)
        except plyvel.Error as error:
            raise DataError(cannot_open(self.path, error)) from error
        if first:
            warnings.warn(
                f"{self.damaged} damaged panoramas in {str(self.path)!r} were skipped: {first}",
                stacklevel=2,
            )

    def _items(self) -> Iterator[tuple[bytes, bytes]]:
        # plyvel's plain iterator ends without a word where a block is damaged.
        items = self._leveldb.raw_iterator(verify_checksums=True, fill_cache=False)
        items.seek_to_first()
        while items.valid():
            yield items.item()
            items.next()

    def graph(self) -> Any:
        """The record of connections, a `schema.StreetLearnGraph`; empty where there is none."""
        return StreetLearnGraph.FromString(self._leveldb.get(GRAPH_KEY, b""))

    def close(self) -> None:
        """Let others open it."""
        self._leveldb.close()

    def __enter__(self) -> StreetLearnDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_panoramas(path: str | os.PathLike[str]) -> Iterator[Panorama]:
    """Every whole panorama of the database in the folder `path`, which is closed at the end.

    Raises:
        DataError: see `StreetLearnDatabase`.
    """
    with StreetLearnDatabase.open(path) as database:
        yield from database.panoramas()


def _panorama(key: bytes, value: bytes) -> Panorama:
    try:
        message = Pano.FromString(value)
    except DecodeError as error:
        raise DataError(f"{key!r} is no panorama ({error})") from error
    lacking = [name for name in _REQUIRED if not message.HasField(name)]
    if lacking:
        raise DataError(f"panorama {key!r} lacks {', '.join(lacking)}")
    where = (message.coords.lat, message.coords.lng, message.heading_deg)
    if not all(map(math.isfinite, where)):
        # One of them would spoil the split of the whole city, whose quantile is no number then.
        raise DataError(
            f"panorama {key!r} wants finite latitude, longitude and heading, got {where!r}"
        )
    if not message.id:
        message.id = key.decode(errors="replace")
    return from_message(message)
