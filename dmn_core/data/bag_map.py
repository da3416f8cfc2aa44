"""A view-embedding map from a context bag: what the mapper node and offline replay share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from dmn_core.data.bag import ViewSelection, read_views
from dmn_core.errors import ConfigurationError, MapError
from dmn_core.localization import DEFAULT_MARGIN_M, Localizer
from dmn_core.pose_track import compose
from dmn_core.views import Area, ViewMap, Views, area_around

ROBOT_SELECTION = ViewSelection(min_distance_m=0.5, min_turn_rad=0.35, max_views=16)


@dataclass(frozen=True)
class MappingSettings:
    """What to read from a context bag and how to make a map of it.

    Attributes:
        image_topic: empty for the only one there is.
        pose_topic: empty for the only one there is, or tf.
        map_frame, base_frame: frames of tf, and of poses.
        selection: which images become context views.
        area_m: where a robot may be; None for the box around the viewpoints.
        area_margin_m: by how much that box is grown.
        pose_base_camera: planar pose of the camera on the robot [m, m, rad].
    """

    image_topic: str = ""
    pose_topic: str = ""
    map_frame: str = "map"
    base_frame: str = "base_link"
    selection: ViewSelection = field(default=ROBOT_SELECTION)
    area_m: Area | None = None
    area_margin_m: float = DEFAULT_MARGIN_M
    pose_base_camera: tuple[float, float, float] = (0.0, 0.0, 0.0)

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
        MapError: its images have different sizes.
    """
    views = views_from_bag(context_bag, settings)
    area = settings.area_m or area_around(views.poses_map_camera, margin_m=settings.area_margin_m)
    return localizer.build_map(views, area_m=area)


def views_from_bag(context_bag: str | os.PathLike[str], settings: MappingSettings) -> Views:
    """Pictures of a context bag with the poses of the camera; raises as `map_from_bag`."""
    stamped = read_views(
        context_bag,
        image_topic=settings.image_topic or None,
        pose_topic=settings.pose_topic or None,
        map_frame=settings.map_frame,
        base_frame=settings.base_frame,
        selection=settings.selection,
    )
    sizes = {view.image.shape for view in stamped}
    if len(sizes) != 1:
        raise MapError(f"context views want images of one size, got {sorted(sizes)!r}")
    poses_map_base = np.stack([view.pose_map_base for view in stamped])
    return Views(
        np.stack([view.image for view in stamped]),
        compose(poses_map_base, settings.pose_base_camera),
    )
