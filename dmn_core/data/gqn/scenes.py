"""Published scenes as environments: decoded once, shrunk, brought to metres."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from dmn_core.data.gqn.example import Scene, parse_scene
from dmn_core.data.gqn.published import RING, PublishedSet, refuse_another
from dmn_core.data.gqn.tfrecord import read_records
from dmn_core.data.gqn.yaw import decide, known_directions
from dmn_core.data.sources import ImageSize
from dmn_core.errors import DataError
from dmn_core.views import resize_rgb


class _NoPictureError(Exception):
    """Which frame cannot be decoded."""


# To measure yaw with; ten cameras each.
_RING_SCENES = 30


def read_environments(
    shards: list[Path],
    published: PublishedSet,
    *,
    ring: list[Path],
    count: int,
    views: int,
    image_size: ImageSize,
) -> dict[str, np.ndarray]:
    """Arrays `images`, `poses_map_camera` and `first_view` of an `EnvironmentSet`.

    Args:
        shards: to read in this order, no more of them than `count` scenes take.
        published: the data set.
        ring: shards of Rooms with the ring camera, which tell what yaw is where the data set's own
            cameras do not.
        count: of scenes, at most.
        views: of each scene, spread evenly over its frames; 0 for all.
        image_size: height and width [pixels].

    Raises:
        DataError: there is no scene, or the files are of another data set.
    """
    images, cameras, pairs = [], [], [np.empty((0, 2))]
    decoded = _decoded(shards, published, views, image_size)
    wanted = islice(decoded, count)
    what = f"reading {published.folder}"
    for pictures, chosen, known in tqdm(wanted, what, count, unit="scene", disable=None):
        images.append(pictures)
        cameras.append(chosen)
        pairs.append(known)
    if not images:
        raise DataError(
            f"wanted scenes of {published.folder!r}, {len(shards)} shards in "
            f"{str(shards[0].parent)!r} hold none: download them again"
        )
    if ring:
        pairs = [known_directions(scene.cameras, RING) for scene in _first_scenes(ring)]
    convention = decide(np.concatenate(pairs), RING if ring else published)
    lengths = [len(part) for part in cameras]
    stacked = np.concatenate(cameras)
    poses = np.column_stack([published.to_metres(stacked[:, :2]), convention.to_map(stacked[:, 3])])
    return {
        "images": _joined(images),
        "poses_map_camera": poses.astype(np.float32),
        "first_view": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    }


def _first_scenes(ring: list[Path]) -> Iterator[Scene]:
    return (scene for _, scene in islice(_scenes(ring), _RING_SCENES))


def _decoded(
    shards: list[Path], published: PublishedSet, views: int, image_size: ImageSize
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Images and cameras of the chosen frames of each scene, and its pairs to measure yaw with."""
    for where, scene in _scenes(shards):
        chosen = _spread(len(scene.frames), views)
        try:
            pictures = [_picture(scene.frames[number], where) for number in chosen]
        except _NoPictureError as error:
            warnings.warn(f"{error}; the scene is left out", stacklevel=2)
            continue
        refuse_another(published, len(scene.frames), len(pictures[0]))
        height, width = image_size
        small = np.stack([resize_rgb(rgb, height=height, width=width) for rgb in pictures])
        yield small, scene.cameras[chosen], known_directions(scene.cameras, published)


def _scenes(shards: list[Path]) -> Iterator[tuple[str, Scene]]:
    """Scenes, with the place where each was found."""
    for shard in shards:
        for number, record in enumerate(read_records(shard)):
            where = f"{shard}, scene {number}"
            try:
                yield where, parse_scene(record)
            except DataError as error:
                raise DataError(f"{where}: {error}") from None


def _spread(frames: int, views: int) -> np.ndarray:
    """Numbers of the frames to keep."""
    count = min(views or frames, frames)
    return np.linspace(0, frames - 1, count).round().astype(np.int64)


def _picture(jpeg: bytes, where: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        raise _NoPictureError(f"{where}: a frame of {len(jpeg)} bytes is no image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Parts (M, ...) one after another; each is given up once it is copied, to spare memory."""
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
    stop = len(whole)
    while parts:
        part = parts.pop()
        whole[stop - len(part) : stop] = part
        stop -= len(part)
    return whole
