"""A view-embedding map from a context bag: what the mapper node and offline replay share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from dmn_core.cameras import NetworkCamera
from dmn_core.data.bag import ViewSelection, read_camera_views
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import ConfigurationError, MapError
from dmn_core.localization import DEFAULT_MARGIN_M, Localizer
from dmn_core.view_pictures import to_picture_png
from dmn_core.views import Area, ViewMap, ViewRecord, Views, area_around

ROBOT_SELECTION = ViewSelection(min_distance_m=0.5, min_turn_rad=0.35, max_views=16)


@dataclass(frozen=True)
class MappingSettings(ViewTopics):
    """What to read from a context bag and how to make a map of it.

    Attributes:
        selection: which images become context views.
        area_m: where a robot may be; None for the box around the viewpoints.
        area_margin_m: by how much that box is grown.
    """

    selection: ViewSelection = field(default=ROBOT_SELECTION)
    area_m: Area | None = None
    area_margin_m: float = DEFAULT_MARGIN_M

    def __post_init__(self) -> None:
        """Refuse a margin that would shrink the box."""
        if not self.area_margin_m >= 0:
            raise ConfigurationError(f"area_margin_m wants metres >= 0, got {self.area_margin_m!r}")


def map_from_bag(
    localizer: Localizer,
    context_bag: str | os.PathLike[str],
    settings: MappingSettings,
    *,
    watch: Callable[[], None] | None = None,
) -> ViewMap:
    """Read context views from a bag and encode them.

    Args:
        localizer: encodes.
        context_bag: images and poses.
        settings: what to read and how.
        watch: called before each message and each view; what it raises ends the work.

    Raises:
        BagError: the bag lacks images or poses; the message names its topics.
        CameraError: the camera_info of the images is of no use.
        MapError: its images have different sizes.
    """
    views = views_from_bag(context_bag, settings, localizer.network.config.camera, watch=watch)
    area = settings.area_m or area_around(views.poses_map_camera, margin_m=settings.area_margin_m)
    return _encoded(localizer, views, area, watch)


def _encoded(
    localizer: Localizer, views: Views, area_m: Area, watch: Callable[[], None] | None
) -> ViewMap:
    """As `build_map` makes it of all views at once, to the bit: that encodes one by one as well."""
    if watch is None:
        return localizer.build_map(views, area_m=area_m)
    parts = []
    for index in range(len(views.images)):
        watch()
        this = slice(index, index + 1)
        view = Views(views.images[this], views.poses_map_camera[this], views.records[this])
        parts.append(localizer.build_map(view, area_m=area_m))
    embeddings = torch.cat([part.embeddings for part in parts], dim=1)
    poses = torch.cat([part.poses_map_camera for part in parts], dim=1)
    return replace(parts[0], embeddings=embeddings, poses_map_camera=poses, records=views.records)


def views_from_bag(
    context_bag: str | os.PathLike[str],
    settings: MappingSettings,
    target: NetworkCamera | None = None,
    *,
    watch: Callable[[], None] | None = None,
) -> Views:
    """Pictures of a context bag, of the `target` camera, with poses; raises as `map_from_bag`."""
    images, poses_map_camera, stamps_ns = read_camera_views(
        context_bag, settings, selection=settings.selection, target=target, watch=watch
    )
    sizes = {image.shape for image in images}
    if len(sizes) != 1:
        raise MapError(f"context views want images of one size, got {sorted(sizes)!r}")
    source = Path(context_bag).name
    records = tuple(
        ViewRecord(stamp_ns, source, to_picture_png(image))
        for stamp_ns, image in zip(stamps_ns, images, strict=True)
    )
    return Views(np.stack(images), poses_map_camera, records)
