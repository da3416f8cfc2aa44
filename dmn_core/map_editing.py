"""Changing a map: add views, remove them, thin them out, merge the maps of several robots.

A view is known by what it is, its embedding and viewpoint, so that maps of several robots need no
numbers agreed upon. Whatever is added comes out in one order, by stamp, source and identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from dmn_core.errors import ConfigurationError, MapError
from dmn_core.map_area import around
from dmn_core.pose_track.planar import FloatArray
from dmn_core.pose_track.spread import TURN_WEIGHT_M_PER_RAD, farthest_points, is_near
from dmn_core.views import ViewMap, ViewRecord, in_half_precision


@dataclass(frozen=True)
class MapLimits:
    """Which views a map that grows keeps.

    Attributes:
        max_views: at most so many, spread as widely as can be; None for any number.
        min_distance_m, min_turn_rad: a view closer than both to a newer one gives way to it.
        turn_weight_m_per_rad: how many metres count as much as a radian when views are spread.
    """

    max_views: int | None = 16
    min_distance_m: float = 0.5
    min_turn_rad: float = 0.35
    turn_weight_m_per_rad: float = TURN_WEIGHT_M_PER_RAD

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        if self.max_views is not None and self.max_views < 1:
            raise ConfigurationError(f"max_views wants a number >= 1, got {self.max_views!r}")
        for name in ("min_distance_m", "min_turn_rad", "turn_weight_m_per_rad"):
            if not getattr(self, name) >= 0:
                raise ConfigurationError(f"{name} wants a number >= 0, got {getattr(self, name)!r}")

    def near(self, poses: FloatArray, pose: FloatArray) -> NDArray[np.bool_]:
        """Which of the viewpoints (M, 3) are so close to one (3,) that only one of both is kept."""
        return is_near(poses, pose, distance_m=self.min_distance_m, turn_rad=self.min_turn_rad)


def view_ids(view_map: ViewMap) -> tuple[str, ...]:
    """Identity of each view of one place: 16 hex digits of a hash of embedding and viewpoint."""
    halves = _one_place(view_map).embeddings[0].detach().to("cpu", torch.float16).numpy()
    poses = view_map.poses_map_camera[0].detach().to("cpu", torch.float32).numpy()
    parts = zip(halves, poses, strict=True)
    return tuple(
        hashlib.sha256(half.tobytes() + pose.tobytes()).hexdigest()[:16] for half, pose in parts
    )


def records_of(view_map: ViewMap) -> tuple[ViewRecord, ...]:
    """A record for every view; where nobody said, one that says nothing."""
    return view_map.records or (ViewRecord(),) * view_map.n_views


def continues(before: ViewMap, after: ViewMap) -> bool:
    """Whether a map is of the same place and frame as one before, so that a pose keeps its meaning.

    It is where both share a view: the same picture at the same viewpoint, by the same weights.
    """
    same_weights = before.weights_fingerprint == after.weights_fingerprint
    return same_weights and not set(view_ids(before)).isdisjoint(view_ids(after))


def merge_maps(maps: Sequence[ViewMap]) -> ViewMap:
    """All views of maps that share one frame, each once, over the box around their areas.

    Without an area of one of them it has none. The order of the maps does not matter. A view that
    several hold keeps its latest record, and a picture if one of them has it.

    Raises:
        MapError: none is given, or they were made by other weights or of images of another size.
    """
    if not maps:
        raise MapError("merging wants at least one map, got none")
    first = maps[0]
    for other in maps[1:]:
        _require_alike(first, other)
    records: dict[str, ViewRecord] = {}
    for view_map in maps:
        for view_id, record in zip(view_ids(view_map), records_of(view_map), strict=True):
            known = records.get(view_id, record)
            latest = max(record, known)
            picture = latest.picture_png or record.picture_png or known.picture_png
            records[view_id] = replace(latest, picture_png=picture)
    places = {view_id: place for place, view_id in enumerate(sum(map(view_ids, maps), ()))}
    order = sorted(places, key=lambda view_id: (records[view_id], view_id))
    chosen = [places[view_id] for view_id in order]
    device = first.embeddings.device
    areas = [view_map.area_m for view_map in maps if view_map.area_m is not None]
    return ViewMap(
        in_half_precision(torch.cat([m.embeddings.to(device) for m in maps], 1)[:, chosen]),
        torch.cat([m.poses_map_camera.to(device) for m in maps], 1)[:, chosen],
        around(areas) if len(areas) == len(maps) else None,
        first.weights_fingerprint,
        tuple(records[view_id] for view_id in order),
    )


def limited(view_map: ViewMap, limits: MapLimits) -> ViewMap:
    """The views that the limits keep: the newest of near ones, and of these the most spread.

    A view gives way only to a newer one that is kept. Of too many views the oldest stays and then
    each time the one farthest from all that stay; none that goes is farther from those that stay
    than twice what the best choice could do.
    """
    poses = _one_place(view_map).poses_map_camera[0].double().cpu().numpy()
    kept = kept_views(poses, records_of(view_map), limits)
    return view_map if len(kept) == view_map.n_views else select(view_map, kept)


def kept_views(
    poses_map_camera: FloatArray, records: Sequence[ViewRecord], limits: MapLimits
) -> list[int]:
    """Which of the views at poses (N, 3) `limited` keeps, as indices in rising order."""
    by_age = sorted(range(len(records)), key=lambda index: (records[index], index))
    distinct: list[int] = []
    for index in reversed(by_age):
        if not limits.near(poses_map_camera[distinct], poses_map_camera[index]).any():
            distinct.append(index)
    if limits.max_views is None or len(distinct) <= limits.max_views:
        return sorted(distinct)
    oldest_first = np.array(distinct[::-1])
    spread = farthest_points(
        poses_map_camera[oldest_first],
        limits.max_views,
        turn_weight_m_per_rad=limits.turn_weight_m_per_rad,
    )
    return sorted(oldest_first[spread].tolist())


def remove_views(view_map: ViewMap, ids: Iterable[str]) -> ViewMap:
    """The map without the views of these identities.

    Raises:
        MapError: an identity is not in the map, or no view would be left.
    """
    unwanted, present = set(ids), view_ids(view_map)
    if unknown := sorted(unwanted.difference(present)):
        raise MapError(f"the map wants views among {list(present)!r} removed, got {unknown!r}")
    return select(view_map, [i for i, view_id in enumerate(present) if view_id not in unwanted])


def remove_stale(view_map: ViewMap, *, before_ns: int) -> ViewMap:
    """The map without views stamped before a time; those without a stamp stay.

    Raises:
        MapError: no view would be left.
    """
    records = records_of(view_map)
    fresh = [i for i, r in enumerate(records) if r.stamp_ns == 0 or r.stamp_ns >= before_ns]
    return view_map if len(fresh) == view_map.n_views else select(view_map, fresh)


def select(view_map: ViewMap, indices: Sequence[int]) -> ViewMap:
    """The map of some of the views, over the same area.

    Raises:
        MapError: of none.
    """
    if len(indices) == 0:
        raise MapError(f"a map wants at least one view: all {view_map.n_views} would be gone")
    chosen = list(indices)
    return replace(
        view_map,
        embeddings=view_map.embeddings[:, chosen],
        poses_map_camera=view_map.poses_map_camera[:, chosen],
        records=tuple(view_map.records[index] for index in chosen) if view_map.records else (),
    )


def _one_place(view_map: ViewMap) -> ViewMap:
    if len(view_map.embeddings) != 1:
        raise MapError(f"wanted the map of one place, got {len(view_map.embeddings)} places")
    return view_map


def _require_alike(first: ViewMap, other: ViewMap) -> None:
    if other.weights_fingerprint != first.weights_fingerprint:
        raise MapError(
            f"maps to merge want one fingerprint of weights, got {first.weights_fingerprint!r} "
            f"and {other.weights_fingerprint!r}: give all robots the same weights"
        )
    if other.embeddings.shape[2:] != first.embeddings.shape[2:]:
        raise MapError(
            f"maps to merge want embeddings of one shape, got {tuple(first.embeddings.shape[2:])} "
            f"and {tuple(other.embeddings.shape[2:])}"
        )
