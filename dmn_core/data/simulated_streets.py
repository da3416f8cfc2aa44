"""Simulated streets as data: rendered once, written as StreetLearn is, and read as StreetLearn is.

Panoramas of the first visit to a city are contexts, those of the second are queries. Cities stand
apart on the globe: west of StreetLearn's split those that train and, further north, those that
validate; east of it those that test. Each split is a database of its own, in StreetLearn's format.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from dmn_core.data.cache import alone, default_cache_dir
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.rendered_sets import FIRST_SEEDS, RenderedSet, each_shard
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.data.street_records import city_records
from dmn_core.data.streetlearn.areas import AreaConfig, areas_of
from dmn_core.data.streetlearn.index import load_index
from dmn_core.data.streetlearn.writer import write_panoramas
from dmn_core.errors import DataError
from dmn_core.worlds.streets.panorama import PanoramaConfig
from dmn_core.worlds.streets.recipe import StreetRecipe

CITIES: dict[Split, int] = {"train": 48, "validation": 6, "test": 16}
VIEWS = 25
"""Panoramas of both visits in an area where two streets cross, about."""
RECORDS_VERSION = 2
"""Raised when the same panoramas start to give other records."""
AREAS = AreaConfig(by_visit=True)
_AREAS_PER_CITY = 9
_PANORAMAS_PER_VIEW = 6.4  # a city has about 1020 m of street, an area with a crossing 80 m


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The areas of a split; see `sources.load_environments`.

    `config.environments` are areas. A city has about one around each of its panoramas, but they
    overlap: nine of them count as a city's worth when it is decided how many cities to render.
    """
    cities = -(-config.environments // _AREAS_PER_CITY) or CITIES[split]
    recipe = street_recipe(config.views or VIEWS, image_size)
    areas = load_or_render_streets(recipe, split, cities, workers=config.render_workers)
    return areas.first(config.environments or len(areas))


def street_recipe(views: int, image_size: ImageSize) -> StreetRecipe:
    """How cities are made whose areas with a crossing have about so many views."""
    height, width = image_size
    return StreetRecipe(
        max(round(views * _PANORAMAS_PER_VIEW), 1), camera=PanoramaConfig(height, width)
    )


def load_or_render_streets(
    recipe: StreetRecipe,
    split: Split,
    cities: int,
    *,
    areas: AreaConfig = AREAS,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> EnvironmentSet:
    """Every area of the cities of a split; arguments as of `rendered_sets.load_or_render`.

    Raises:
        WorldError: cities must be rendered, and the simulator or OpenGL is missing.
        DataError: the database cannot be written or read, or has no area.
    """
    path = render_database(
        recipe, split, cities, cache_dir=cache_dir, workers=workers, show_progress=show_progress
    )
    index = load_index(path, recipe.image_size, cache_dir=cache_dir, threads=workers)
    found = areas_of(index, np.arange(len(index)), areas)
    if not len(found):
        raise DataError(
            f"areas want {areas.min_panoramas} or more panoramas of two visits, the cities of "
            f"{str(path)!r} have none with {recipe.panoramas_per_visit} panoramas each visit: "
            "ask for more views"
        )
    return replace(found, name="simulated streets")


def render_database(
    recipe: StreetRecipe,
    split: Split,
    cities: int,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> Path:
    """Folder of the LevelDB with the first cities of a split, rendered where they are not yet.

    Rendering can be broken off and goes on with the city where it stopped.
    """
    cache = default_cache_dir() if cache_dir is None else Path(cache_dir).expanduser()
    path = cache / recipe.key / f"{split}-{cities}-{RECORDS_VERSION}"
    wanted = RenderedSet(recipe, cities, FIRST_SEEDS[split])
    # Processes that train together start together, and one of them renders.
    with alone(path.parent, "database"):
        if not path.is_dir():
            records = []
            for seed, shard in each_shard(
                wanted, cache_dir=cache, workers=workers, show_progress=show_progress
            ):
                records += city_records(recipe, split, seed, shard)
            write_panoramas(path, records)
    return path
