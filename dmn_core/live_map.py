"""A map that changes while robots use it: views come, give way to newer ones, and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from dmn_core.errors import ConfigurationError, MapError
from dmn_core.localization import DEFAULT_MARGIN_M, Localizer
from dmn_core.map_area import NOWHERE, around, stated_sides, within_reach
from dmn_core.map_editing import (
    MapLimits,
    kept_views,
    limited,
    merge_maps,
    records_of,
    remove_stale,
    remove_views,
    select,
    view_ids,
)
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.views import Area, ViewMap, ViewRecord, Views, area_around

# Some ten megabytes of names: a view a second for more than a day.
MOST_REMEMBERED = 100_000


@dataclass(frozen=True)
class LiveMapSettings:
    """How a map changes.

    Attributes:
        limits: how many views, and how close.
        refresh_s: a view gives way to a new one of the same place when it is this much older.
        max_age_s: views this old go; 0 keeps them for good.
        area_m: where a robot may be; None for the box around the viewpoints and whatever a map that
            came from a file or from others states beyond it.
        area_margin_m: by how much that box is grown.
    """

    limits: MapLimits = field(default_factory=MapLimits)
    refresh_s: float = 600.0
    max_age_s: float = 0.0
    area_m: Area | None = None
    area_margin_m: float = DEFAULT_MARGIN_M

    def __post_init__(self) -> None:
        """Refuse negative times and margins."""
        for name in ("refresh_s", "max_age_s", "area_margin_m"):
            if not getattr(self, name) >= 0:
                raise ConfigurationError(f"{name} wants a number >= 0, got {getattr(self, name)!r}")


class LiveMap:
    """The map of one place and all that happens to it.

    One thread changes it and asks it; `view_map`, which is replaced whole, any may read.

    A view that has been in the map, or was offered and not kept, is not taken from others again, so
    that robots which share their maps with each other come to an end with it. Of very many, those
    that nobody has offered for longest are forgotten.
    """

    def __init__(self, localizer: Localizer, settings: LiveMapSettings) -> None:
        """Begin without a map.

        Args:
            localizer: encodes images; its own map is left alone.
            settings: how the map changes.
        """
        self._localizer = localizer
        self._settings = settings
        # By the time of the last offer; a dict, as it keeps the order.
        self._offered: dict[str, None] = {}
        self._view_map: ViewMap | None = None
        self._stated = NOWHERE

    @property
    def view_map(self) -> ViewMap | None:
        """The map as it is now."""
        return self._view_map

    def replace(self, view_map: ViewMap | None) -> None:
        """Begin anew with another map, or with none."""
        self._view_map = view_map
        self._stated = self._stated_in(view_map) if view_map else NOWHERE
        self._offered = {}
        self._remember(view_ids(view_map) if view_map else ())

    def wants(self, pose_map_camera: ArrayLike, stamp_ns: int) -> bool:
        """Whether an image from a viewpoint (3,) would tell the map something.

        It would from a new viewpoint that the limits keep, or where the map's view is old.
        """
        if self._view_map is None:
            return True
        limits, records = self._settings.limits, list(records_of(self._view_map))
        poses = self._view_map.poses_map_camera[0].double().cpu().numpy()
        pose = np.asarray(pose_map_camera, dtype=np.float64)
        near = limits.near(poses, pose)
        if near.any():
            newest = max(records[index].stamp_ns for index in np.flatnonzero(near))
            return stamp_ns - newest > self._settings.refresh_s * NANOSECONDS
        records.append(ViewRecord(stamp_ns))
        return len(poses) in kept_views(np.vstack((poses, pose)), records, limits)

    def add(self, image: np.ndarray, pose_map_camera: ArrayLike, record: ViewRecord) -> bool:
        """Take in an image (H, W, 3) uint8 RGB from a viewpoint (3,); whether the map changed."""
        poses = np.asarray(pose_map_camera, dtype=np.float64)[None]
        area = area_around(poses, margin_m=self._settings.area_margin_m)
        views = Views(image[None], poses, (record,))
        return self.merge(self._localizer.build_map(views, area_m=area))

    def merge(self, other: ViewMap) -> bool:
        """Take in the views of a map in the same frame; whether the map changed.

        Raises:
            MapError: it was made by other weights, or is of no use with these.
        """
        if other.weights_fingerprint != self._localizer.weights_fingerprint:
            raise MapError(
                f"this map wants views by weights {self._localizer.weights_fingerprint!r}, got "
                f"some by {other.weights_fingerprint!r}: give all robots the same weights"
            )
        self._localizer.require_fitting(other)
        ids = view_ids(other)
        new = [index for index, view_id in enumerate(ids) if view_id not in self._offered]
        if not new:
            self._remember(ids)
            return False
        maps = ([self._view_map] if self._view_map else []) + [select(other, new)]
        # Of all its views: what those account for that are not taken again is not stated.
        self._stated = around([self._stated, self._stated_in(other)])
        changed = self._change(lambda: limited(merge_maps(maps), self._settings.limits))
        self._remember(ids)
        return changed

    def remove(self, ids: Iterable[str] = (), *, before_ns: int = 0) -> bool:
        """Take out views by name and those stamped before a time; whether there were any.

        They do not come back from others.

        Raises:
            MapError: there is no such view, or none would be left; then none is taken out.
        """

        def without() -> ViewMap:
            return remove_stale(remove_views(self._require_map(), ids), before_ns=before_ns)

        return self._change(without)

    def age(self, now_ns: int) -> bool:
        """Take out what is older than the settings allow, unless nothing would be left."""
        if self._view_map is None or not self._settings.max_age_s:
            return False
        before_ns = now_ns - round(self._settings.max_age_s * NANOSECONDS)
        try:
            return self.remove(before_ns=before_ns)
        except MapError:
            return False

    def _remember(self, ids: Iterable[str]) -> None:
        for view_id in ids:
            self._offered.pop(view_id, None)
            self._offered[view_id] = None
        for view_id in list(islice(self._offered, max(0, len(self._offered) - MOST_REMEMBERED))):
            del self._offered[view_id]

    def _require_map(self) -> ViewMap:
        if self._view_map is None:
            raise MapError("there is no map yet: add a view, or build or load a map first")
        return self._view_map

    def _stated_in(self, view_map: ViewMap) -> Area:
        return stated_sides(view_map, margin_m=self._settings.area_margin_m)

    def _change(self, edit: Callable[[], ViewMap]) -> bool:
        before, after = self._view_map, edit()
        # A view that went takes its part of the area along: a wrong one may have been far away.
        margin_m = self._settings.area_margin_m
        area_m = self._settings.area_m or within_reach(after, self._stated, margin_m=margin_m)
        after = replace(after, area_m=area_m)
        self._view_map = after
        return before is None or (view_ids(before), before.area_m) != (
            view_ids(after),
            after.area_m,
        )
