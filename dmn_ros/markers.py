"""The map's viewpoints as RViz markers."""

from __future__ import annotations

from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from dmn_core.views import ViewMap
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header

ARROW = Vector3(x=1.5, y=0.25, z=0.25)
TEXT = Vector3(z=0.8)
TEXT_HEIGHT_M = 0.8
ARROW_COLOUR = ColorRGBA(r=0.1, g=0.5, b=1.0, a=0.9)
TEXT_COLOUR = ColorRGBA(r=0.9, g=0.9, b=0.9, a=1.0)


def to_viewpoint_markers(view_map: ViewMap, *, stamp_ns: int, frame_id: str) -> MarkerArray:
    """An arrow along each view and its number; older markers are removed first."""
    markers = [Marker(header=header(stamp_ns, frame_id), action=Marker.DELETEALL)]
    for number, pose in enumerate(view_map.poses_map_camera[0].double().cpu().numpy()):
        arrow = Marker(header=header(stamp_ns, frame_id), ns="viewpoints", id=number)
        arrow.type, arrow.pose, arrow.scale = Marker.ARROW, to_pose(pose), ARROW
        arrow.color = ARROW_COLOUR
        text = Marker(header=header(stamp_ns, frame_id), ns="numbers", id=number, text=str(number))
        text.type, text.pose, text.scale = Marker.TEXT_VIEW_FACING, to_pose(pose), TEXT
        text.pose.position.z = TEXT_HEIGHT_M
        text.color = TEXT_COLOUR
        markers += [arrow, text]
    return MarkerArray(markers=markers)
