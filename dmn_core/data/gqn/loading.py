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
from dmn_core.data.gqn.published import PUBLISHED, RING, PublishedSet
from dmn_core.data.gqn.scenes import read_environments
from dmn_core.data.gqn.shards import any_shard, find_shards
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.whole_file import read_arrays

_CONTENT_VERSION = 3
"""Raise it when the same files start to give other arrays, so that caches renew."""
_ARRAYS = ("images", "poses_map_camera", "first_view")


def load(
    config: DataConfig, split: Split, image_size: ImageSize, *, at_most: int = 0
) -> EnvironmentSet:
    """The environments of a split; see `sources.load_environments`.

    Without `environments` there are as many as the paper uses, but no more than `at_most`, or what
    the shards at hand give, with a warning. `views` spreads so many over the frames of each scene.

    Raises:
        DataError: the files are missing, or of another data set.

    Source: paper section V-A.
    """
    published = PUBLISHED[config.data]
    shards = find_shards(Path(config.root), published, split)
    ring = _ring_beside(Path(config.root), published)
    usual = published.count(split)
    count = config.environments or (min(usual, at_most) if at_most else usual)
    cached = default_cache_dir() / _cache_name(config, split, [*shards, *ring], count, image_size)
    arrays = read_arrays(cached, _ARRAYS)
    if arrays is None:
        arrays = read_environments(
            shards,
            published,
            ring=ring,
            count=count,
            views=config.views,
            image_size=image_size,
        )
        write_arrays(cached, arrays)
    environments = EnvironmentSet(
        torch.from_numpy(arrays["images"]),
        arrays["poses_map_camera"],
        arrays["first_view"],
        PAPER_AREA_M,
        name=config.data,
    )
    if len(environments) < count and not config.environments:
        warnings.warn(
            f"wanted {count} environments of {config.data!r} for {split}, its {len(shards)} shards "
            f"in {str(shards[0].parent)!r} hold {len(environments)}: download more shards to have "
            "them all",
            stacklevel=2,
        )
    return environments


def _ring_beside(root: Path, published: PublishedSet) -> list[Path]:
    """A shard of Rooms with the ring camera, for sets whose own cameras do not tell what yaw is."""
    if published.facing != "anywhere":
        return []
    found = (any_shard(folder, RING) for folder in (root, root.expanduser().resolve().parent))
    return next(([shard] for shard in found if shard), [])


def _cache_name(
    config: DataConfig, split: Split, shards: list[Path], count: int, image_size: ImageSize
) -> str:
    """A name that differs where the content would differ."""
    # With the time: a shard that was damaged and is downloaded again has its size.
    files = [
        (str(shard.resolve()), status.st_size, status.st_mtime_ns)
        for shard in shards
        for status in [shard.stat()]
    ]
    content = [_CONTENT_VERSION, files, count, config.views]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:10]
    return f"{config.data}-{image_size[0]}x{image_size[1]}/{split}-{count}-{digest}.npz"
