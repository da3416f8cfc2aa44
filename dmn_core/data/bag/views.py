"""Context views: images of a bag with their poses in the map."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras import CameraChoice, NetworkCamera
from dmn_core.data.bag.cameras import camera_place, image_fit
from dmn_core.data.bag.images import decode_images, require_overlap, scan
from dmn_core.data.bag.poses import choose_map_poses
from dmn_core.data.bag.reader import Bag, open_bag
from dmn_core.data.bag.selection import ViewSelection, select_views
from dmn_core.data.bag.topics import choose_image_topic
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import BagError
from dmn_core.pose_track import compose
from dmn_core.pose_track.planar import FloatArray
from dmn_core.views import resize_rgb


@dataclass(frozen=True)
class StampedView:
    """An image (H, W, 3) uint8 RGB, its stamp [ns] and the pose (3,) of the robot in the map."""

    stamp_ns: int
    image: NDArray[np.uint8]
    pose_map_base: FloatArray


def read_views(
    path: str | os.PathLike[str],
    *,
    image_topic: str | None = None,
    pose_topic: str | None = None,
    map_frame: str = "map",
    base_frame: str = "base_link",
    selection: ViewSelection | None = None,
    image_size: tuple[int, int] | None = None,
    camera: CameraChoice = "auto",
    target: NetworkCamera | None = None,
    watch: Callable[[], None] | None = None,
) -> list[StampedView]:
    """Views chosen from a bag, each posed at its own stamp.

    Only the images that are kept are decoded, so that a long bag does not fill the memory; with
    `image_size`, height and width [pixels], they are resized one by one; with `target`, the
    network's camera, they are brought to it as `camera` says. Without names the only image topic is
    taken, and the only pose topic in the map frame or else tf. What `watch` raises, which is called
    before each message, ends the reading.

    Raises:
        BagError: The bag is missing or damaged, topics are missing or ambiguous, or images and
            poses do not meet in time.
        DecodingError: An image or a pose is malformed; its topic is named.
        CameraError: The camera_info of the images is of no use.
    """
    selection = selection or ViewSelection()
    with open_bag(path, watch=watch) as bag:
        images = choose_image_topic(bag, image_topic)
        source = choose_map_poses(bag, pose_topic, map_frame=map_frame, base_frame=base_frame)
        stamps = scan(bag, images, source)
        poses = source.poses()
        require_overlap(bag, images, stamps, poses.start_ns, poses.end_ns, "the poses")
        gap = selection.max_gap_s
        posed = [int(stamp) for stamp in stamps if poses.covers(int(stamp), max_gap_s=gap)]
        if not posed:
            raise _no_pose_near(bag, selection)
        candidates = np.array([poses.at(stamp, max_gap_s=gap) for stamp in posed])
        chosen = select_views(candidates, selection)
        fit = image_fit(bag, images, camera, target)
        pictures = {
            stamp: _resized(fit(image), image_size)
            for stamp, image in decode_images(bag, images, {posed[index] for index in chosen})
        }
    return [
        StampedView(posed[index], pictures[posed[index]], candidates[index]) for index in chosen
    ]


def read_camera_views(
    path: str | os.PathLike[str],
    topics: ViewTopics,
    *,
    selection: ViewSelection,
    image_size: tuple[int, int] | None = None,
    target: NetworkCamera | None = None,
    watch: Callable[[], None] | None = None,
) -> tuple[list[NDArray[np.uint8]], FloatArray, list[int]]:
    """Images, poses (N, 3) of the camera in the map, and stamps [ns]; `watch` as for `read_views`.

    Raises:
        BagError: as `read_views`, or tf_static does not say where the camera is.
        DecodingError: as `read_views`.
        CameraError: as `read_views`.
    """
    # Before anything that takes long.
    pose_base_camera = _mount(path, topics)
    views = read_views(
        path,
        image_topic=topics.image_topic or None,
        pose_topic=topics.pose_topic or None,
        map_frame=topics.map_frame,
        base_frame=topics.base_frame,
        selection=selection,
        image_size=image_size,
        camera=topics.camera,
        target=target,
        watch=watch,
    )
    poses_map_base = np.stack([view.pose_map_base for view in views])
    poses_map_camera = compose(poses_map_base, pose_base_camera)
    return [view.image for view in views], poses_map_camera, [view.stamp_ns for view in views]


def _mount(path: str | os.PathLike[str], topics: ViewTopics) -> tuple[float, float, float]:
    """Planar pose of the camera on the robot [m, m, rad]; raises BagError as `camera_place`."""
    if topics.camera_pose_source == "parameter":
        return topics.pose_base_camera
    with open_bag(path) as bag:
        images = choose_image_topic(bag, topics.image_topic or None)
        return camera_place(bag, images, base_frame=topics.base_frame)


def _resized(image: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    return resize_rgb(image, height=size[0], width=size[1]) if size else image


def _no_pose_near(bag: Bag, selection: ViewSelection) -> BagError:
    return BagError(
        f"{bag.path}: no image lies between two poses at most {selection.max_gap_s} s apart; "
        f"record poses more often or raise max_gap_s of the selection; {bag.describe_topics()}"
    )
