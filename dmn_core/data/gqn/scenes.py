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
from dmn_core.data.gqn.published import PublishedSet, refuse_another
from dmn_core.data.gqn.tfrecord import read_records
from dmn_core.data.gqn.yaw import decide, known_directions
from dmn_core.data.sources import ImageSize
from dmn_core.errors import DataError
from dmn_core.views import resize_rgb


def read_environments(
    shards: list[Path], published: PublishedSet, *, count: int, views: int, image_size: ImageSize
) -> dict[str, np.ndarray]:
    """Arrays `images`, `poses_map_camera` and `first_view` of an `EnvironmentSet`.

    Args:
        shards: to read in this order, no more of them than `count` scenes take.
        published: the data set.
        count: of scenes, at most.
        views: of each scene, spread evenly over its frames; 0 for all.
        image_size: height and width [pixels].

    Raises:
        DataError: there is no scene, or the files are of another data set.
    """
    images, cameras, pairs = [], [], [np.empty((0, 2))]
    scenes = tqdm(
        islice(_scenes(shards), count),
        desc=f"reading {published.folder}",
        total=count,
        unit="scene",
        disable=None,
    )
    for where, scene in scenes:
        chosen = _spread(len(scene.frames), views)
        decoded = _decode(where, scene, chosen, published, image_size)
        if decoded is not None:
            images.append(decoded)
            cameras.append(scene.cameras[chosen])
            pairs.append(known_directions(scene.cameras, published))
    if not images:
        raise DataError(
            f"wanted scenes of {published.folder!r}, {len(shards)} shards in "
            f"{str(shards[0].parent)!r} hold none: download them again"
        )
    convention = decide(np.concatenate(pairs), published)
    lengths = [len(part) for part in cameras]
    stacked = np.concatenate(cameras)
    poses = np.column_stack([published.to_metres(stacked[:, :2]), convention.to_map(stacked[:, 3])])
    return {
        "images": _joined(images),
        "poses_map_camera": poses.astype(np.float32),
        "first_view": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    }


def _scenes(shards: list[Path]) -> Iterator[tuple[str, Scene]]:
    """Scenes with the place where each was found."""
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


def _decode(
    where: str, scene: Scene, chosen: np.ndarray, published: PublishedSet, image_size: ImageSize
) -> np.ndarray | None:
    """Images (M, H, W, 3) of the chosen frames; None, with a warning, where one is damaged."""
    height, width = image_size
    decoded = np.empty((len(chosen), height, width, 3), dtype=np.uint8)
    for row, number in enumerate(chosen):
        image = cv2.imdecode(np.frombuffer(scene.frames[number], np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            warnings.warn(
                f"{where}: frame {number} is no image; the scene is left out", stacklevel=2
            )
            return None
        if row == 0:
            refuse_another(published, len(scene.frames), len(image))
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        decoded[row] = resize_rgb(rgb, height=height, width=width)
    return decoded


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Parts (M, ...) one after another; each is given up once it is copied, to spare memory."""
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
    stop = len(whole)
    while parts:
        part = parts.pop()
        whole[stop - len(part) : stop] = part
        stop -= len(part)
    return whole
