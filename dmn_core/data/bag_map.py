"""A view-embedding map from a context bag: what the mapper node and offline replay share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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
    localizer: Localizer, context_bag: str | os.PathLike[str], settings: MappingSettings
) -> ViewMap:
    """Read context views from a bag and encode them.

    Raises:
        BagError: the bag lacks images or poses; the message names its topics.
        CameraError: the camera_info of the images is of no use.
        MapError: its images have different sizes.
    """
    views = views_from_bag(context_bag, settings, localizer.network.config.camera)
    area = settings.area_m or area_around(views.poses_map_camera, margin_m=settings.area_margin_m)
    return localizer.build_map(views, area_m=area)


def views_from_bag(
    context_bag: str | os.PathLike[str],
    settings: MappingSettings,
    target: NetworkCamera | None = None,
) -> Views:
    """Pictures of a context bag, of the `target` camera, with poses; raises as `map_from_bag`."""
    images, poses_map_camera, stamps_ns = read_camera_views(
        context_bag, settings, selection=settings.selection, target=target
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
