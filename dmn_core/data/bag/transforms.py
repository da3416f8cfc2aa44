"""Poses from tf: a chain of frames from a parent to a child, each edge interpolated itself."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import reduce
from types import SimpleNamespace
from typing import Any

import numpy as np

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.data.ros_poses import planar_from_parts
from dmn_core.errors import BagError, DecodingError, TrackError
from dmn_core.pose_track import DEFAULT_MAX_GAP_S, PoseTrack, compose
from dmn_core.pose_track.planar import FloatArray

_FIELDS = 7


@dataclass
class _Edge:
    """Transforms of one child frame as they came: seven numbers each, checked only when used."""

    parent: str
    static: bool
    stamps_ns: list[int] = field(default_factory=list)
    values: array[float] = field(default_factory=lambda: array("d"))

    def track(self, child: str) -> PoseTrack:
        poses = []
        for start in range(0, len(self.values), _FIELDS):
            x, y, z, qx, qy, qz, qw = self.values[start : start + _FIELDS]
            try:
                poses.append(
                    planar_from_parts(
                        SimpleNamespace(x=x, y=y, z=z), SimpleNamespace(x=qx, y=qy, z=qz, w=qw)
                    )
                )
            except DecodingError as error:
                raise DecodingError(f"tf {self.parent!r} -> {child!r}: {error}") from None
        return PoseTrack.from_unsorted(
            self.stamps_ns, poses, frame_id=self.parent, child_frame_id=child
        )


@dataclass(frozen=True)
class TransformChain:
    """Poses of the last frame of a chain in the first; `static` edges hold at all times."""

    edges: tuple[PoseTrack, ...]
    static: tuple[bool, ...]

    @property
    def moving(self) -> tuple[PoseTrack, ...]:
        """The edges that are known only from stamp to stamp."""
        return tuple(edge for edge, fixed in zip(self.edges, self.static, strict=True) if not fixed)

    @property
    def start_ns(self) -> int:
        """First stamp at which every edge is known."""
        return max((edge.start_ns for edge in self.moving), default=0)

    @property
    def end_ns(self) -> int:
        """Last stamp at which every edge is known."""
        return min((edge.end_ns for edge in self.moving), default=2**63 - 1)

    def at(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> FloatArray:
        """Pose (3,) at a stamp.

        Raises:
            TrackError: An edge is not known at that stamp.
        """
        poses = [
            edge.poses[-1] if fixed else edge.at(stamp_ns, max_gap_s=max_gap_s)
            for edge, fixed in zip(self.edges, self.static, strict=True)
        ]
        return reduce(compose, poses)

    def covers(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> bool:
        """Whether `at` has an answer for this stamp."""
        return all(edge.covers(stamp_ns, max_gap_s=max_gap_s) for edge in self.moving)


class TransformPoses:
    """Collects transforms and finds the chain from `parent` to `child` among them."""

    def __init__(self, where: str, topics: tuple[str, ...], *, parent: str, child: str) -> None:
        """Collect from tf topics; `where` names the bag in errors."""
        self._where = where
        self._topics = topics
        self._parent = parent
        self._child = child
        self._edges: dict[str, _Edge] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The tf topics."""
        return self._topics

    def add(self, topic: str, message: Any) -> None:
        """Take one TFMessage.

        Raises:
            BagError: A frame has two parents.
        """
        for stamped in message.transforms:
            parent = str(stamped.header.frame_id).lstrip("/")
            child = str(stamped.child_frame_id).lstrip("/")
            edge = self._edges.setdefault(child, _Edge(parent, topic.endswith("tf_static")))
            if edge.parent != parent:
                raise BagError(
                    f"{self._where}: tf gives frame {child!r} two parents, {edge.parent!r} and "
                    f"{parent!r}; wanted a tree"
                )
            moved, turned = stamped.transform.translation, stamped.transform.rotation
            edge.stamps_ns.append(stamp_ns(stamped.header.stamp))
            edge.values.extend((moved.x, moved.y, moved.z, turned.x, turned.y, turned.z, turned.w))

    def poses(self) -> TransformChain:
        """The chain, to be asked at any stamp.

        Raises:
            BagError: The frames do not hang together.
            DecodingError: An edge of the chain holds a malformed transform.
        """
        names = self._chain()
        edges = [self._edges[name] for name in names]
        return TransformChain(
            tuple(edge.track(name) for edge, name in zip(edges, names, strict=True)),
            tuple(edge.static for edge in edges),
        )

    def track(self) -> PoseTrack:
        """Poses at every stamp at which an edge of the chain came and all are known.

        Raises:
            BagError: The frames do not hang together, or are never known together.
        """
        chain = self.poses()
        stamps = np.unique(np.concatenate([[0], *(edge.stamps_ns for edge in chain.moving)]))
        known = [int(stamp) for stamp in stamps[1:] if chain.covers(int(stamp))]
        try:
            return PoseTrack(
                np.array(known, dtype=np.int64),
                np.array([chain.at(stamp) for stamp in known]),
                self._parent,
                self._child,
            )
        except TrackError:
            raise BagError(
                f"{self._where}: the frames from {self._parent!r} to {self._child!r} are "
                f"never known at one time; {self._describe()}"
            ) from None

    def _chain(self) -> list[str]:
        """Children along the way from the parent to the child."""
        names: list[str] = []
        frame = self._child
        while frame != self._parent:
            if frame not in self._edges or frame in names:
                raise BagError(
                    f"{self._where}: tf has no chain of frames from {self._parent!r} to "
                    f"{self._child!r}; {self._describe()}; name the frames that are meant"
                )
            names.append(frame)
            frame = self._edges[frame].parent
        return names[::-1]

    def _describe(self) -> str:
        pairs = ", ".join(f"{edge.parent!r} -> {child!r}" for child, edge in self._edges.items())
        return f"tf in this bag: {pairs or 'nothing'}"
