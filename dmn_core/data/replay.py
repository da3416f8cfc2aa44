"""The whole job without ROS: a map from a context bag, a pose for every image of a query bag.

It drives the same session with the same numbers as the nodes, so that both give the same poses.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dmn_core.cameras import CameraChoice, NetworkCamera
from dmn_core.data.bag import QueryRecording, read_query
from dmn_core.data.bag_map import MappingSettings, map_from_bag
from dmn_core.localization import Everywhere, Localizer, Near
from dmn_core.map_file import load_map
from dmn_core.robot import RobotSettings, session_of
from dmn_core.session import Fix, Session
from dmn_core.views import ViewMap

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class QuerySettings:
    """What to read from a query bag; empty topics stand for the only one there is.

    `camera` is that of `ViewTopics`.
    """

    image_topic: str = ""
    odometry_topic: str = ""
    truth_topic: str = ""
    map_frame: str = "map"
    odom_frame: str = "odom"
    base_frame: str = "base_link"
    camera: CameraChoice = "auto"


@dataclass(frozen=True)
class Replay:
    """What a replay gave.

    Attributes:
        view_map: built or loaded.
        recording: of the query, with the truth where it is known.
        fixes: one for every image that odometry covers.
        uncovered_ns: stamps of the other images.
    """

    view_map: ViewMap
    recording: QueryRecording
    fixes: list[Fix] = field(default_factory=list)
    uncovered_ns: list[int] = field(default_factory=list)


def replay(
    context: str | os.PathLike[str],
    query: str | os.PathLike[str],
    *,
    localizer: Localizer,
    robot: RobotSettings | None = None,
    mapping: MappingSettings | None = None,
    reading: QuerySettings | None = None,
    start: Near | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Localize the robot of a query bag in the map of a context bag.

    Args:
        context: a bag, or a map file (.safetensors).
        query: a bag.
        localizer: its filter should be that of `robot`; see `robot.load_localizer`.
        robot: particles, seed and camera.
        mapping: how the map is made of a bag.
        reading: topics and frames of the query.
        start: around a pose of the robot; everywhere in the map if None.
        progress: told after each image how many are done, and of how many.

    Raises:
        DmnError: a bag, the map or an image is no good.
    """
    robot, reading = robot or RobotSettings(), reading or QuerySettings()
    view_map = _map(localizer, Path(context), mapping or MappingSettings())
    recording = _read(query, reading, localizer.network.config.camera)
    localizer.use_map(view_map)
    session = session_of(localizer, robot)
    session.restart(start or Everywhere(particles=robot.particles))
    result = Replay(view_map, recording)
    result.uncovered_ns.extend(
        stamp
        for stamp in recording.stamps_ns.tolist()
        if not recording.odometry.covers(stamp, max_gap_s=robot.max_odometry_gap_s)
    )
    for fix in drive(session, recording, max_odometry_gap_s=robot.max_odometry_gap_s):
        result.fixes.append(fix)
        if progress is not None:
            progress(len(result.fixes), len(recording) - len(result.uncovered_ns))
    return result


def drive(
    session: Session, recording: QueryRecording, *, max_odometry_gap_s: float
) -> Iterator[Fix]:
    """Fixes of a started session along a recording, image by image."""
    odometry = recording.odometry
    for stamp_ns, image in recording:
        if odometry.covers(stamp_ns, max_gap_s=max_odometry_gap_s):
            pose = odometry.at(stamp_ns, max_gap_s=max_odometry_gap_s)
            yield session.update(stamp_ns, image, pose)


def _map(localizer: Localizer, context: Path, mapping: MappingSettings) -> ViewMap:
    if context.suffix == ".safetensors":
        return load_map(context)
    return map_from_bag(localizer, context, mapping)


def _read(
    query: str | os.PathLike[str], reading: QuerySettings, target: NetworkCamera
) -> QueryRecording:
    return read_query(
        query,
        image_topic=reading.image_topic or None,
        odometry_topic=reading.odometry_topic or None,
        truth_topic=reading.truth_topic or None,
        map_frame=reading.map_frame,
        odom_frame=reading.odom_frame,
        base_frame=reading.base_frame,
        camera=reading.camera,
        target=target,
    )
