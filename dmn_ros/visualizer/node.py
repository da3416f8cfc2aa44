"""The visualizer: what a localizer says, as pictures for RViz and Foxglove.

A node of its own, so that the robot's computer does no work for screens: it can run beside RViz, on
another machine. Heat map and modes are computed only while somebody looks; paths must grow all the
time, so as to be there for whoever looks later.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from dmn.msg import LocalizerStatus, ViewMap, WeightedParticles
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid, Path
from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from dmn_core.errors import DecodingError
from dmn_core.views import Area
from dmn_ros.declaration import declare
from dmn_ros.frames import require_frame
from dmn_ros.qualities import LATCHED, RELIABLE, SENSOR, make_publisher, make_subscription
from dmn_ros.refusals import Refusals
from dmn_ros.runner import run_node
from dmn_ros.visualizer.belief import to_belief_grid, to_mode_markers
from dmn_ros.visualizer.parameters import VisualizerParameters
from dmn_ros.visualizer.paths import PathKeeper


class VisualizerNode(Node):  # type: ignore[misc, unused-ignore]
    """Draws what a localizer publishes."""

    def __init__(self) -> None:
        """Listen to a localizer, a mapper and, where it is known, the truth.

        Raises:
            DmnError: a parameter is no good.
        """
        super().__init__("visualizer")
        self.parameters = declare(self, VisualizerParameters)
        self._refusing = Refusals(self)
        self._area_m: Area | None = None
        self._grid = make_publisher(self, OccupancyGrid, "belief_grid", LATCHED)
        self._modes = make_publisher(self, MarkerArray, "modes", LATCHED)
        make_subscription(self, ViewMap, "map", self._on_map, LATCHED)
        make_subscription(self, WeightedParticles, "particles", self._on_particles, RELIABLE)
        make_subscription(self, LocalizerStatus, "status", self._on_status, RELIABLE)
        self._trace(PoseWithCovarianceStamped, "pose", LATCHED, "path")
        # Whoever knows the truth may offer it either way.
        self._trace(PoseStamped, "ground_truth", SENSOR, "ground_truth_path")

    def _trace(self, kind: type[Any], topic: str, quality: Any, path_topic: str) -> None:
        """Publish the path of the poses of a topic."""
        limits = self.parameters
        keeper = PathKeeper(step_m=limits.path_step_m, most=limits.max_path_poses)
        publisher = make_publisher(self, Path, path_topic, LATCHED)
        make_subscription(
            self, kind, topic, partial(self._on_pose, topic, keeper, publisher), quality
        )

    def _on_pose(self, topic: str, keeper: PathKeeper, publisher: Any, message: Any) -> None:
        with self._refusing(topic):
            self._require_map_frame(message, topic)
            is_plain = isinstance(message, PoseStamped)
            pose = message.pose if is_plain else message.pose.pose
            if keeper.add(message.header, pose):
                publisher.publish(keeper.message())

    def _on_map(self, message: ViewMap) -> None:
        with self._refusing("map"):
            self._require_map_frame(message, "the map")
            self._area_m = _area(message)

    def _on_particles(self, message: WeightedParticles) -> None:
        if self._area_m is None or not self._grid.get_subscription_count():
            return
        with self._refusing("particles"):
            self._require_map_frame(message, "particles")
            self._grid.publish(to_belief_grid(message, self._area_m, cell_m=self.parameters.cell_m))

    def _on_status(self, message: LocalizerStatus) -> None:
        if not self._modes.get_subscription_count():
            return
        with self._refusing("status"):
            self._require_map_frame(message, "status")
            self._modes.publish(to_mode_markers(message))

    def _require_map_frame(self, message: Any, what: str) -> None:
        require_frame(message.header.frame_id, self.parameters.global_frame_id, what=what)


def _area(message: ViewMap) -> Area:
    x_min, x_max, y_min, y_max = (float(edge) for edge in message.area_m)
    if not (math.isfinite(x_max - x_min + y_max - y_min) and x_min < x_max and y_min < y_max):
        raise DecodingError(
            f"a map wants an area x_min < x_max, y_min < y_max, got {list(message.area_m)!r}"
        )
    return (x_min, x_max, y_min, y_max)


def main(argv: list[str] | None = None) -> int:
    """Run the visualizer until it is stopped."""
    return run_node("visualizer", VisualizerNode, argv)
