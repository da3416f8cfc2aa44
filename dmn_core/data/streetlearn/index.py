"""The panoramas of a database as arrays, decoded and resized once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dmn_core.data.cache import alone, default_cache_dir
from dmn_core.data.cached_arrays import write_arrays
from dmn_core.data.sources import ImageSize
from dmn_core.data.streetlearn.conversion import convert
from dmn_core.errors import DataError
from dmn_core.whole_file import read_arrays

_VERSION = 2  # raised when the same database starts to give other arrays
_COLUMNS = ("ids", "latitude_deg", "longitude_deg", "heading_deg", "dates")


@dataclass(frozen=True)
class StreetIndex:
    """Panoramas of a city, those of one split side by side.

    Attributes:
        ids: (V,) text.
        latitude_deg: (V,) float64. longitude_deg: likewise.
        heading_deg: (V,) where the centre column of the image looks, clockwise from north.
        dates: (V,) text that sorts as time does; empty where unknown.
        images: (V, H, W, 3) uint8, RGB, on disk and read when used.
    """

    ids: np.ndarray
    latitude_deg: np.ndarray
    longitude_deg: np.ndarray
    heading_deg: np.ndarray
    dates: np.ndarray
    images: np.ndarray

    def __len__(self) -> int:
        """Number of panoramas."""
        return len(self.ids)


def load_index(
    path: Path,
    image_size: ImageSize,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    threads: int = 2,
) -> StreetIndex:
    """The panoramas of the database in the folder `path`, from the cache where it has them.

    Args:
        path: of the LevelDB; it is opened only where the cache lacks it.
        image_size: height and width [pixels].
        cache_dir: where arrays are kept; `default_cache_dir()` if None.
        threads: that decode images.

    Raises:
        DataError: the database cannot be read, holds no panorama, or the cache has no room.
    """
    cache = default_cache_dir() if cache_dir is None else Path(cache_dir).expanduser()
    if (index := _read(cache / _key(path, image_size), image_size)) is not None:
        return index
    try:
        # Processes that train together start together, and only one may open the database.
        with alone(cache, "streetlearn"):
            if (index := _read(cache / _key(path, image_size), image_size)) is None:
                _build(path, image_size, cache, threads)
                index = _read(cache / _key(path, image_size), image_size)
    except OSError as error:
        raise DataError(
            f"cannot keep the panoramas of {path.name!r} in {str(cache)!r} ({error}): StreetLearn "
            "takes up to 8 GB there; set DMN_CACHE to a folder with room"
        ) from error
    if index is None:
        raise DataError(f"{str(path)!r} changed while it was read: close what writes, try again")
    return index


def _build(path: Path, image_size: ImageSize, cache: Path, threads: int) -> None:
    partial = cache / f"streetlearn.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        columns = convert(path, partial / "images.npy", image_size, threads=threads)
        write_arrays(partial / "panoramas.npz", dict(zip(_COLUMNS, columns, strict=True)))
        # The first opening tidies a database up, so that its key may differ from the one before.
        final = cache / _key(path, image_size)
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _read(folder: Path, image_size: ImageSize) -> StreetIndex | None:
    columns = read_arrays(folder / "panoramas.npz", _COLUMNS)
    if columns is None:
        return None
    try:
        # Copy on write: tensors want memory that may be written, the file stays as it is.
        images = np.load(folder / "images.npy", mmap_mode="c")
    except (OSError, ValueError, EOFError):
        return None
    whole = images.shape == (len(columns["ids"]), *image_size, 3) and images.dtype == np.uint8
    return StreetIndex(images=images, **columns) if whole else None


def _key(path: Path, image_size: ImageSize) -> str:
    """A name that differs when the database, the size of images or the making of them differs."""
    files = []
    for file in path.iterdir():
        # Another process that opens the database renews the other files, and logs without content.
        with suppress(FileNotFoundError):
            if file.suffix in (".ldb", ".sst", ".log") and (status := file.stat()).st_size:
                files.append((file.name, status.st_size, status.st_mtime_ns))
    digest = hashlib.sha256(json.dumps([_VERSION, sorted(files)]).encode()).hexdigest()[:12]
    height, width = image_size
    return f"streetlearn-{width}x{height}-{digest}"
