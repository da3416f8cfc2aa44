"""A split of a published data set: read once, kept in the cache, loaded as environments."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import torch

from dmn_core.data.cache import default_cache_dir
from dmn_core.data.cached_arrays import write_arrays
from dmn_core.data.episode import PAPER_AREA_M, EnvironmentSet
from dmn_core.data.gqn.published import PUBLISHED
from dmn_core.data.gqn.scenes import read_environments
from dmn_core.data.gqn.shards import find_shards
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.errors import DataError
from dmn_core.whole_file import read_arrays

_CONTENT_VERSION = 1
"""Raise it when the same files start to give other arrays, so that caches renew."""
_ARRAYS = ("images", "poses_map_camera", "first_view")


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The environments of a split; see `sources.load_environments`.

    Without `environments` there are as many as the paper uses, or what the shards at hand give,
    with a warning. `views` spreads so many over the frames of each scene.

    Raises:
        DataError: the files are missing, few, or of another data set.

    Source: paper section V-A.
    """
    published = PUBLISHED[config.data]
    shards = find_shards(Path(config.root), published, split)
    count = config.environments or published.count(split)
    cached = default_cache_dir() / _cache_name(config, split, shards, count, image_size)
    arrays = read_arrays(cached, _ARRAYS)
    if arrays is None:
        arrays = read_environments(
            shards, published, count=count, views=config.views, image_size=image_size
        )
        write_arrays(cached, arrays)
    environments = EnvironmentSet(
        torch.from_numpy(arrays["images"]),
        arrays["poses_map_camera"],
        arrays["first_view"],
        PAPER_AREA_M,
        name=config.data,
    )
    _tell_of_too_few(config, split, len(environments), count, shards)
    return environments


def _cache_name(
    config: DataConfig, split: Split, shards: list[Path], count: int, image_size: ImageSize
) -> str:
    """A name that differs where the content would differ."""
    files = [(str(shard.resolve()), shard.stat().st_size) for shard in shards]
    content = [_CONTENT_VERSION, files, count, config.views]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:10]
    return f"{config.data}-{image_size[0]}x{image_size[1]}/{split}-{count}-{digest}.npz"


def _tell_of_too_few(
    config: DataConfig, split: Split, found: int, wanted: int, shards: list[Path]
) -> None:
    if found >= wanted:
        return
    message = (
        f"wanted {wanted} environments of {config.data!r} for {split}, its {len(shards)} shards in "
        f"{str(shards[0].parent)!r} hold {found}"
    )
    if config.environments:
        raise DataError(f"{message}: ask for fewer (--environments), or download more shards")
    warnings.warn(f"{message}: download more shards to have them all", stacklevel=2)
