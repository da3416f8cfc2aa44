"""Which files of a published data set make a split."""

from __future__ import annotations

import re
from pathlib import Path

from dmn_core.data.gqn.published import FORMATS, PublishedSet
from dmn_core.data.sources import Split
from dmn_core.errors import DataError

_SHARD = re.compile(r"(\d+)-of-(\d+)\.tfrecord")
_HELD_OUT = 10
"""One train shard in so many is for validation, by its number: whatever else is downloaded later,
what trained before still trains."""


def find_shards(root: Path, published: PublishedSet, split: Split) -> list[Path]:
    """Files of a split, by number.

    Every tenth of the train shards is for validation: 10, 20, ..., or the last of fewer than 10
    that were published. Training never sees these, however much it asks for.

    Args:
        root: folder that holds the data set's folder, or that folder itself.
        published: the data set.
        split: `test` reads the test shards, the others the train shards.

    Raises:
        DataError: the folder, the data set or its shards are missing or mixed up.
    """
    part = "test" if split == "test" else "train"
    folder = _dataset_folder(root, published) / part
    shards = _numbered(folder, published, part)
    if part == "test":
        return [folder / shard[0] for shard in shards]
    every = min(_HELD_OUT, int(shards[0][2]))
    parts: dict[Split, list[Path]] = {"train": [], "validation": []}
    for shard in shards:
        held_out = int(shard[1]) % every == 0
        parts["validation" if held_out else "train"].append(folder / shard[0])
    # Both are asked for, whichever is read, so that hours of decoding do not end in an error.
    for name, held in parts.items():
        if not held:
            lacking = 1 if name == "train" else every
            width, total = len(shards[0][1]), shards[0][2]
            raise DataError(
                f"{str(folder)!r} wants shards to train with and to validate with, which are those "
                f"with a number that {every} divides, got {[shard[0] for shard in shards][:8]!r}, "
                f"none for {name}: download {lacking:0{width}d}-of-{total}.tfrecord too"
            )
    return parts[split]


def any_shard(root: Path, published: PublishedSet) -> Path | None:
    """Some shard of a data set, if its folder holds one; `root` as of `find_shards`."""
    for part in ("test", "train"):
        try:
            folder = _dataset_folder(root, published) / part
            return folder / _numbered(folder, published, part)[0][0]
        except DataError:
            continue
    return None


def _dataset_folder(root: Path, published: PublishedSet) -> Path:
    root = root.expanduser()
    if not root.is_dir():
        raise DataError(f"root wants the folder of the download, there is none at {str(root)!r}")
    inside = root / published.folder
    if inside.is_dir():
        return inside
    is_dataset = (root / "train").is_dir() or (root / "test").is_dir()
    name = root.resolve().name
    if is_dataset and (name == published.folder or name not in FORMATS):
        return root
    found = f"is {name!r}" if is_dataset else f"holds {sorted(_names(root))[:12]!r}"
    raise DataError(
        f"wanted the data set {published.folder!r} at {str(root)!r}, which {found}: download "
        f"{published.folder}/train and {published.folder}/test into it, or give another root"
    )


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def _numbered(folder: Path, published: PublishedSet, part: str) -> list[re.Match[str]]:
    """Names of shards by number, which is their first group; not all need to be there."""
    matches = [match for name in _names(folder) if (match := _SHARD.fullmatch(name))]
    if not matches:
        published_count = published.shards[0 if part == "train" else 1]
        width = len(str(published_count))
        raise DataError(
            f"{str(folder)!r} wants shards named like {1:0{width}d}-of-{published_count}.tfrecord, "
            f"got {sorted(_names(folder))[:8]!r}: download some of them"
        )
    totals = {int(match[2]) for match in matches}
    if len(totals) > 1:
        raise DataError(
            f"{str(folder)!r} wants the shards of one data set, got shards of {sorted(totals)!r} "
            "files each: keep them in folders of their own"
        )
    return sorted(matches, key=lambda match: int(match[1]))
