"""The mapper: a context bag in, a latched view-embedding map out."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from dmn.msg import ViewMap as ViewMapMessage
from dmn.srv import LoadMap, SaveMap
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from dmn_core.data.bag_map import map_from_bag
from dmn_core.errors import ConfigurationError, DmnError, MapError
from dmn_core.localization import Localizer
from dmn_core.map_file import load_map, save_map
from dmn_core.robot import load_localizer
from dmn_core.views import ViewMap
from dmn_ros.managed_node import ManagedNode, run_managed
from dmn_ros.map_message import to_map_message
from dmn_ros.markers import to_viewpoint_markers
from dmn_ros.parameters import MapperParameters, as_precision, weights_path
from dmn_ros.qualities import LATCHED


class MapperNode(ManagedNode):
    """Builds, loads, saves and publishes the map."""

    parameters: MapperParameters

    def __init__(self) -> None:
        """Declare the parameters.

        Raises:
            ConfigurationError: a parameter is no good.
        """
        super().__init__("mapper", MapperParameters)
        self._view_map: ViewMap | None = None
        self._localizer: Localizer | None = None

    def set_up(self) -> None:
        """Build or load the map that the parameters name.

        Raises:
            DmnError: a parameter, the weights, the bag or the map file is no good.
        """
        parameters = self.parameters
        if parameters.threads:
            torch.set_num_threads(parameters.threads)
        weights = weights_path(parameters.weights)
        localizer = load_localizer(
            weights, device=parameters.device, precision=as_precision(parameters.precision)
        )
        self._localizer = localizer
        self.get_logger().info(f"weights {weights} on {localizer.device}")
        self._maps = self.make_publisher(ViewMapMessage, "map", LATCHED)
        self._viewpoints = self.make_publisher(MarkerArray, "viewpoints", LATCHED)
        self._make_first_map()
        self.make_service(Trigger, "~/rebuild", self._on_rebuild)
        self.make_service(SaveMap, "~/save", self._on_save)
        self.make_service(LoadMap, "~/load", self._on_load)

    def start(self) -> None:
        """Publish the map."""
        if self._view_map is not None:
            self._publish(self._view_map)

    def tear_down(self) -> None:
        """Forget the map and the weights."""
        self._view_map = self._localizer = None

    def _make_first_map(self) -> None:
        parameters = self.parameters
        if parameters.context_bag:
            self._use(self._build())
            if parameters.map_file:
                self._save(parameters.map_file)
        elif parameters.map_file:
            self._use(self._load(parameters.map_file))
        else:
            raise ConfigurationError(
                "the mapper wants a bag or a map, got neither: set context_bag or map_file"
            )

    def _build(self) -> ViewMap:
        parameters = self.parameters
        if not parameters.context_bag:
            raise ConfigurationError("building wants a bag, but context_bag is not set")
        return map_from_bag(self._in_use(), parameters.context_bag, parameters.mapping_settings())

    def _load(self, path: str) -> ViewMap:
        view_map = load_map(Path(path))
        # Only a map of these weights is of use to a localizer with these weights.
        self._in_use().use_map(view_map)
        return view_map

    def _in_use(self) -> Localizer:
        if self._localizer is None:
            raise ConfigurationError("the mapper has no weights: configure it first")
        return self._localizer

    def _save(self, path: str) -> None:
        if not path:
            raise MapError("saving wants the path of a file, got an empty one")
        if self._view_map is None:
            raise MapError("there is no map to save")
        save_map(Path(path), self._view_map)

    def _use(self, view_map: ViewMap) -> None:
        if self.is_active:
            self._publish(view_map)
        self._view_map = view_map

    def _publish(self, view_map: ViewMap) -> None:
        stamp_ns = self.get_clock().now().nanoseconds
        frame = self.parameters.global_frame_id
        self._maps.publish(to_map_message(view_map, stamp_ns=stamp_ns, frame_id=frame))
        self._viewpoints.publish(to_viewpoint_markers(view_map, stamp_ns=stamp_ns, frame_id=frame))
        self.get_logger().info(f"published {_describe(view_map)}")

    def _on_rebuild(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        def rebuild() -> str:
            self._use(self._build())
            return f"built {_describe(self._view_map)}"

        return self._answer(response, rebuild)

    def _on_save(self, request: SaveMap.Request, response: SaveMap.Response) -> SaveMap.Response:
        def save() -> str:
            self._save(request.path)
            return f"saved {_describe(self._view_map)} to {request.path}"

        return self._answer(response, save)

    def _on_load(self, request: LoadMap.Request, response: LoadMap.Response) -> LoadMap.Response:
        def load() -> str:
            self._use(self._load(request.path))
            return f"loaded {_describe(self._view_map)} from {request.path}"

        return self._answer(response, load)

    def _answer(self, response: Any, work: Callable[[], str]) -> Any:
        """Do the work; a failure is the caller's answer and leaves the node and its map alone."""
        try:
            response.message, response.success = work(), True
        except DmnError as error:
            response.message, response.success = str(error), False
            self.get_logger().error(str(error))
        except Exception as error:
            # A service call must not end the node, whatever went wrong.
            response.message, response.success = f"{type(error).__name__}: {error}", False
            self.get_logger().error("".join(traceback.format_exception(error)))
        return response


def _describe(view_map: ViewMap | None) -> str:
    if view_map is None:
        return "no map"
    x_min, x_max, y_min, y_max = view_map.area_m or (0.0, 0.0, 0.0, 0.0)
    return (
        f"a map of {view_map.n_views} views over x {x_min:.1f} to {x_max:.1f} m, "
        f"y {y_min:.1f} to {y_max:.1f} m"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the mapper until it is stopped."""
    return run_managed("mapper", MapperNode, argv)
