"""The map's viewpoints for RViz and Foxglove: arrows, numbers and pictures."""

from __future__ import annotations

import array
import math

import cv2
import numpy as np
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray, UVCoordinate

from dmn_core.map_editing import records_of
from dmn_core.view_pictures import BACKGROUND, TILE, view_sheet
from dmn_core.views import ViewMap
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header

ARROW = Vector3(x=1.5, y=0.25, z=0.25)
TEXT = Vector3(z=0.8)
TEXT_HEIGHT_M = 0.8
ARROW_COLOUR = ColorRGBA(r=0.1, g=0.5, b=1.0, a=0.9)
TEXT_COLOUR = ColorRGBA(r=0.9, g=0.9, b=0.9, a=1.0)
WHITE = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
# Pictures lie flat behind their viewpoint, upright for who looks down with x to the right.
PICTURE_M, BEHIND_M, LIFTED_M = 2.0, 1.6, 0.02
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def to_viewpoint_markers(view_map: ViewMap, *, stamp_ns: int, frame_id: str) -> MarkerArray:
    """An arrow along each view, its number, and its picture where the map has it.

    Older markers are removed first.
    """
    markers = [Marker(header=header(stamp_ns, frame_id), action=Marker.DELETEALL)]
    poses = view_map.poses_map_camera[0].double().cpu().numpy()
    for number, (pose, record) in enumerate(zip(poses, records_of(view_map), strict=True)):
        arrow = Marker(header=header(stamp_ns, frame_id), ns="viewpoints", id=number)
        arrow.type, arrow.pose, arrow.scale = Marker.ARROW, to_pose(pose), ARROW
        arrow.color = ARROW_COLOUR
        text = Marker(header=header(stamp_ns, frame_id), ns="numbers", id=number, text=str(number))
        text.type, text.pose, text.scale = Marker.TEXT_VIEW_FACING, to_pose(pose), TEXT
        text.pose.position.z = TEXT_HEIGHT_M
        text.color = TEXT_COLOUR
        markers += [arrow, text]
        if record.picture_png:
            picture = Marker(header=header(stamp_ns, frame_id), ns="pictures", id=number)
            _show(picture, record.picture_png, pose)
            markers.append(picture)
    return MarkerArray(markers=markers)


def to_viewpoint_sheet(view_map: ViewMap, *, stamp_ns: int, frame_id: str) -> CompressedImage:
    """All pictures with their numbers as one; an empty one where the map has none.

    It is latched: without the empty one those of the map before would go on being shown.
    """
    sheet = view_sheet([record.picture_png for record in records_of(view_map)])
    if sheet is None:
        sheet = np.full((TILE, TILE, 3), BACKGROUND, np.uint8)
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return CompressedImage(
        header=header(stamp_ns, frame_id), format="png", data=array.array("B", data.tobytes())
    )


def _show(marker: Marker, picture_png: bytes, pose: np.ndarray) -> None:
    """Make a marker the picture of a viewpoint (3,)."""
    x, y, yaw = (float(value) for value in pose)
    left = x - BEHIND_M * math.cos(yaw) - PICTURE_M / 2
    low = y - BEHIND_M * math.sin(yaw) - PICTURE_M / 2
    marker.type, marker.scale, marker.color = (
        Marker.TRIANGLE_LIST,
        Vector3(x=1.0, y=1.0, z=1.0),
        WHITE,
    )
    marker.pose.orientation.w = 1.0
    marker.points = [
        Point(x=left + PICTURE_M * right, y=low + PICTURE_M * up, z=LIFTED_M)
        for right, up in CORNERS
    ]
    # Rows of a picture count from the top.
    marker.uv_coordinates = [UVCoordinate(u=right, v=1.0 - up) for right, up in CORNERS]
    marker.texture_resource = f"embedded://view_{marker.id}"
    marker.texture = CompressedImage(
        header=marker.header, format="png", data=array.array("B", picture_png)
    )
