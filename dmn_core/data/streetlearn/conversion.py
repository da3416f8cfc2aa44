"""One pass through a database: panoramas decoded, resized, and sorted by split."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from tqdm import tqdm

from dmn_core.data.sources import ImageSize, Split
from dmn_core.data.streetlearn.database import StreetLearnDatabase
from dmn_core.data.streetlearn.panorama import Panorama
from dmn_core.data.streetlearn.splits import rows_of_split
from dmn_core.errors import DataError
from dmn_core.views import resize_rgb

Columns = tuple[np.ndarray, ...]
_CHUNK = 64  # panoramas decoded side by side and written in one go
# Pixels as they are stored: what the camera noted on its orientation is not for panoramas.
_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def decode(image_bytes: bytes, image_size: ImageSize) -> np.ndarray | None:
    """JPEG or PNG -> RGB uint8 (H, W, 3), pixels averaged; None where it is no image."""
    if not image_bytes:
        return None
    image = cv2.imdecode(np.frombuffer(image_bytes, np.uint8), _FLAGS)
    if image is None:
        return None
    height, width = image_size
    return cv2.cvtColor(resize_rgb(image, height=height, width=width), cv2.COLOR_BGR2RGB)


def convert(path: Path, images_path: Path, image_size: ImageSize, *, threads: int) -> Columns:
    """Write the images (V, H, W, 3) of a database and return what belongs to them.

    Args:
        path: of the LevelDB.
        images_path: of the .npy file to be written.
        image_size: height and width [pixels].
        threads: that decode.

    Returns:
        ids, latitudes, longitudes, headings [deg] and dates, (V,) each; panoramas of one split lie
        side by side, so that one split can be moved to a device without the others.

    Raises:
        DataError: the database cannot be read, or holds no panorama.
    """
    as_read = images_path.with_suffix(".raw")
    records = []
    with as_read.open("wb") as file:
        for panorama, image in _decoded(path, image_size, threads):
            file.write(image.tobytes())
            place = panorama.place
            records.append(
                (
                    panorama.id,
                    place.latitude_deg,
                    place.longitude_deg,
                    panorama.heading_deg,
                    place.date,
                )
            )
    if not records:
        raise DataError(f"{str(path)!r} holds no whole panorama: give a StreetLearn database")
    columns = [np.array(column) for column in zip(*records, strict=True)]
    order = np.concatenate(
        [rows_of_split(columns[1], columns[2], split) for split in get_args(Split)]
    )
    shape = (len(records), *image_size, 3)
    source = np.memmap(as_read, np.uint8, "r", shape=shape)
    sorted_images = np.lib.format.open_memmap(images_path, "w+", np.uint8, shape)
    for start in range(0, len(order), _CHUNK):
        sorted_images[start : start + _CHUNK] = source[order[start : start + _CHUNK]]
    sorted_images.flush()
    as_read.unlink()
    return tuple(column[order] for column in columns)


def _decoded(
    path: Path, image_size: ImageSize, threads: int
) -> Iterator[tuple[Panorama, np.ndarray]]:
    """Panoramas with their images (H, W, 3); what is no image is counted and left out."""
    damaged: list[str] = []
    with StreetLearnDatabase.open(path) as database, ThreadPoolExecutor(threads) as pool:
        panoramas = iter(tqdm(database.panoramas(), desc="reading panoramas", unit="panorama"))
        while chunk := list(islice(panoramas, _CHUNK)):
            images = pool.map(lambda panorama: decode(panorama.image_bytes, image_size), chunk)
            for panorama, image in zip(chunk, images, strict=True):
                if image is None:
                    damaged.append(panorama.id)
                else:
                    yield panorama, image
    if damaged:
        warnings.warn(
            f"{len(damaged)} panoramas in {str(path)!r} hold neither JPEG nor PNG and were "
            f"skipped, the first is {damaged[0]!r}",
            stacklevel=2,
        )
