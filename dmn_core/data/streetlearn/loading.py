"""The environments of one split of a StreetLearn database."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.data.streetlearn.areas import AreaConfig, areas_of
from dmn_core.data.streetlearn.database import find_database
from dmn_core.data.streetlearn.index import load_index
from dmn_core.data.streetlearn.splits import SPLIT_LONGITUDE_DEG, rows_of_split
from dmn_core.errors import DataError


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The areas of a split of the database below `config.root`; see `sources.load_environments`."""
    return load_database(find_database(config.root), config, split, image_size)


def load_database(
    path: str | os.PathLike[str],
    config: DataConfig,
    split: Split,
    image_size: ImageSize,
    *,
    areas: AreaConfig | None = None,
    name: str = "StreetLearn",
    cache_dir: str | os.PathLike[str] | None = None,
) -> EnvironmentSet:
    """The areas of a split of one database.

    Args:
        path: folder of the LevelDB.
        config: `environments` says how many areas at most, `render_workers` how many threads
            decode what is not in the cache yet.
        split: which part of the city.
        image_size: height and width [pixels].
        areas: what makes an area; the paper's if None.
        name: of the environments.
        cache_dir: where decoded images are kept; `default_cache_dir()` if None.

    Raises:
        DataError: the database cannot be read, or the split has no area.
    """
    areas = areas or AreaConfig()
    threads = config.render_workers
    index = load_index(Path(path), image_size, cache_dir=cache_dir, threads=threads)
    rows = rows_of_split(index.latitude_deg, index.longitude_deg, split)
    found = areas_of(index, rows, areas)
    if not len(found):
        raise DataError(
            f"split {split!r} wants areas of {areas.size_m:g} m with {areas.min_panoramas} or more "
            f"panoramas{' of two visits' if areas.by_visit else ''}, {str(path)!r} has none among "
            f"its {len(rows)} of {len(index)} panoramas there (split at longitude "
            f"{SPLIT_LONGITUDE_DEG}, west trains): give the database of Manhattan"
        )
    return replace(found.first(config.environments or len(found)), name=name)
