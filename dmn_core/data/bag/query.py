"""Query recordings: images one by one, odometry and, where it is known, the truth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras import CameraChoice, NetworkCamera
from dmn_core.data.bag.cameras import Fit, image_fit, unchanged
from dmn_core.data.bag.images import decode_images, require_overlap, scan
from dmn_core.data.bag.poses import PoseSource, TopicPoses, named_poses, transform_poses
from dmn_core.data.bag.reader import Bag, TopicSummary, open_bag
from dmn_core.data.bag.topics import (
    ODOMETRY_TYPE,
    POSE_TYPES,
    TF_TYPES,
    choose_image_topic,
    frame_of,
    only_topic,
)
from dmn_core.pose_track import PoseTrack
from dmn_core.pose_track.planar import IntArray

GROUND_TRUTH_TOPIC = "/ground_truth"


@dataclass(frozen=True)
class QueryRecording:
    """A drive to localize; iterating yields (stamp_ns, image (H, W, 3) uint8 RGB) by stamp.

    Images are read from the bag anew at each iteration and are held one at a time.

    Attributes:
        path: The bag.
        image_topic: The topic of the images.
        stamps_ns: (T,) int64 stamps of the images, increasing; odometry may not cover all of them.
        odometry: Poses of the robot in its odometry frame.
        truth: True poses of the robot in the map, or None.
        fit: What brings images to the network's camera.
    """

    path: Path
    image_topic: TopicSummary
    stamps_ns: IntArray
    odometry: PoseTrack
    truth: PoseTrack | None
    fit: Fit = unchanged

    def __len__(self) -> int:
        """Number of images."""
        return len(self.stamps_ns)

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Images in order of stamps, decoded as they are asked for.

        Raises:
            DecodingError: An image is malformed or of an unknown encoding.
            CameraError: An image is of another shape than the camera's calibration.
        """
        with open_bag(self.path) as bag:
            for stamp, image in decode_images(bag, self.image_topic, self.stamps_ns.tolist()):
                yield stamp, self.fit(image)


def read_query(
    path: str | os.PathLike[str],
    *,
    image_topic: str | None = None,
    odometry_topic: str | None = None,
    truth_topic: str | None = None,
    map_frame: str = "map",
    odom_frame: str = "odom",
    base_frame: str = "base_link",
    camera: CameraChoice = "auto",
    target: NetworkCamera | None = None,
) -> QueryRecording:
    """Open a drive: stamps, odometry and truth are read now, images later.

    Without names the only image topic is taken, the only odometry topic that is not in the map
    frame or else tf, and the truth from /ground_truth where that is recorded. A tf topic as
    `truth_topic` stands for the chain from the map to the base. With `target`, the network's
    camera, images are brought to it as `camera` says.

    Raises:
        BagError: The bag is missing or damaged, topics are missing or ambiguous, or images and
            odometry or truth do not overlap in time.
        DecodingError: A pose is malformed; its topic is named.
        CameraError: The camera_info of the images is of no use.
    """
    with open_bag(path) as bag:
        images = choose_image_topic(bag, image_topic)
        odometry_source = _choose_odometry(bag, odometry_topic, map_frame, odom_frame, base_frame)
        truth_source = _choose_truth(bag, truth_topic, map_frame, base_frame)
        sources = [odometry_source] if truth_source is None else [odometry_source, truth_source]
        stamps = scan(bag, images, *sources)
        odometry = odometry_source.track()
        truth = None if truth_source is None else truth_source.track()
        for track, what in ((odometry, "odometry"), (truth, "the truth")):
            if track is not None:
                require_overlap(bag, images, stamps, track.start_ns, track.end_ns, what)
        fit = image_fit(bag, images, camera, target)
    return QueryRecording(Path(path), images, stamps, odometry, truth, fit)


def _choose_odometry(
    bag: Bag, name: str | None, map_frame: str, odom_frame: str, base_frame: str
) -> PoseSource:
    if name is not None:
        if bag.topic(name).type_name in TF_TYPES:
            return transform_poses(bag, parent=odom_frame, child=base_frame)
        return named_poses(bag, name, parent=None, child=base_frame)
    drifting = [t for t in bag.of_types((ODOMETRY_TYPE,)) if frame_of(bag, t) != map_frame]
    if not drifting and bag.of_types(TF_TYPES):
        return transform_poses(bag, parent=odom_frame, child=base_frame)
    topic = only_topic(bag, drifting, what="odometry topic", option="odometry_topic")
    return TopicPoses(topic, wanted_frame=None)


def _choose_truth(bag: Bag, name: str | None, map_frame: str, base_frame: str) -> PoseSource | None:
    if name is None:
        if not any(t.name == GROUND_TRUTH_TOPIC for t in bag.of_types(POSE_TYPES)):
            return None
        name = GROUND_TRUTH_TOPIC
    return named_poses(bag, name, parent=map_frame, child=base_frame)
