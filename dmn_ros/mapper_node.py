"""The mapper: a context bag in, a latched view-embedding map out."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from dmn.msg import ViewMap as ViewMapMessage
from dmn.srv import LoadMap, RemoveViews, SaveMap
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from dmn_core.data.bag_map import map_from_bag
from dmn_core.errors import ConfigurationError, DmnError, MapError
from dmn_core.live_map import LiveMap
from dmn_core.localization import Localizer
from dmn_core.map_file import load_map, save_map
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.robot import load_localizer
from dmn_core.views import ViewMap
from dmn_ros.live_views import LiveViews
from dmn_ros.managed_node import ManagedNode, run_managed
from dmn_ros.map_message import to_map_message
from dmn_ros.markers import to_viewpoint_markers, to_viewpoint_sheet
from dmn_ros.parameters import MapperParameters, as_precision, weights_path
from dmn_ros.qualities import LATCHED
from dmn_ros.refusals import Refusals
from dmn_ros.worker import Worker


class MapperNode(ManagedNode):
    """Builds, loads, saves and publishes the map.

    Once it is configured, a worker does all that asks or changes the map, in the order in which it
    was asked for, so that the callbacks, those of a manager of nodes included, are free. Publishing
    is done by whichever of the two threads has something new.
    """

    parameters: MapperParameters

    def __init__(self) -> None:
        """Declare the parameters.

        Raises:
            ConfigurationError: a parameter is no good.
        """
        super().__init__("mapper", MapperParameters)
        self._localizer: Localizer | None = None
        self._live: LiveMap | None = None
        self._views: LiveViews | None = None
        self._worker: Worker | None = None
        self._is_ending = threading.Event()
        self._publishing = threading.Lock()
        self._is_dirty = self._ages = False
        self._refusing = Refusals(self)

    def set_up(self) -> None:
        """Build or load the map that the parameters name.

        Raises:
            DmnError: a parameter, the weights, the bag or the map file is no good.
        """
        parameters = self.parameters
        self._is_ending.clear()
        self._is_dirty = self._ages = False
        if parameters.threads:
            torch.set_num_threads(parameters.threads)
        weights = weights_path(parameters.weights)
        localizer = load_localizer(
            weights, device=parameters.device, precision=as_precision(parameters.precision)
        )
        self._localizer, self._live = localizer, LiveMap(localizer, parameters.live_settings())
        self.get_logger().info(f"weights {weights} on {localizer.device}")
        self._maps = self.make_publisher(ViewMapMessage, "map", LATCHED)
        self._viewpoints = self.make_publisher(MarkerArray, "viewpoints", LATCHED)
        self._sheet = self.make_publisher(CompressedImage, "viewpoint_sheet/compressed", LATCHED)
        self._make_first_map()
        put = self._start_worker().put
        self.make_service(Trigger, "~/rebuild", self._on_rebuild, put=put)
        self.make_service(SaveMap, "~/save", self._on_save, put=put)
        self.make_service(LoadMap, "~/load", self._on_load, put=put)
        self.make_service(RemoveViews, "~/remove_views", self._on_remove, put=put)
        self._views = LiveViews(
            self,
            localizer,
            self._live,
            parameters=parameters,
            put=put,
            on_change=self._note_change,
        )
        self.make_timer(parameters.publish_period_s, self._on_tick)

    def start(self) -> None:
        """Publish the map."""
        self._publish()

    def stop(self) -> None:
        """Forget the images that wait; services go on."""
        if self._views is not None:
            self._views.drop_images()
        # What is being published ends before the mapper is inactive; nothing begins any more.
        with self._publishing:
            pass

    def tear_down(self) -> None:
        """End the worker, then forget the map and the weights.

        A map that is being built is given up, and services that wait are answered that it is over.
        """
        if self._worker is not None:
            self._is_ending.set()
            if self._views is not None:
                self._views.drop_images()
            self._worker.finish()
            self._worker = None
        self._live = self._localizer = self._views = None

    def _start_worker(self) -> Worker:
        self._worker = Worker(
            newest_only=False, on_skipped=lambda: None, on_error=lambda error, _: self._trace(error)
        )
        if threads := self.parameters.threads:
            # OpenMP keeps the number for each thread.
            self._worker.put(lambda: torch.set_num_threads(threads))
        return self._worker

    def _trace(self, error: Exception) -> None:
        # Without a context nobody can be answered, and nothing published.
        if self.context.ok():
            self.get_logger().error("".join(traceback.format_exception(error)))

    def _go_on(self) -> None:
        """Raise a MapError where the mapper is about to end."""
        if self._is_ending.is_set():
            raise MapError("the mapper is cleaned up or ends: configure it and ask again")

    @property
    def _view_map(self) -> ViewMap | None:
        return self._live.view_map if self._live is not None else None

    def _make_first_map(self) -> None:
        parameters = self.parameters
        if parameters.context_bag:
            self._use(self._build())
            if parameters.map_file:
                self._save(parameters.map_file)
        elif parameters.map_file:
            self._use(self._load(parameters.map_file))
        elif parameters.live_poses == "off" and not parameters.share_in:
            raise ConfigurationError(
                "the mapper wants a bag, a map or views as they come, got none: set context_bag, "
                "map_file, live_poses or share_in"
            )

    def _build(self) -> ViewMap:
        parameters = self.parameters
        if not parameters.context_bag:
            raise ConfigurationError("building wants a bag, but context_bag is not set")
        settings = parameters.mapping_settings()
        return map_from_bag(self._in_use(), parameters.context_bag, settings, watch=self._go_on)

    def _load(self, path: str) -> ViewMap:
        view_map = load_map(path)
        # Only a map of these weights is of use to a localizer with these weights.
        self._in_use().require_fitting(view_map)
        area_m = self.parameters.area() or view_map.area_m
        if area_m is None:
            raise MapError(f"{path!r} says nothing about where a robot may be: give area_m")
        return replace(view_map, area_m=area_m)

    def _in_use(self) -> Localizer:
        if self._localizer is None:
            raise ConfigurationError("the mapper has no weights: configure it first")
        return self._localizer

    def _save(self, path: str) -> None:
        if not path:
            raise MapError("saving wants the path of a file, got an empty one")
        if self._view_map is None:
            raise MapError("there is no map to save")
        save_map(path, self._view_map)

    def _use(self, view_map: ViewMap) -> None:
        self._changing().replace(view_map)
        self._publish()

    def _changing(self) -> LiveMap:
        if self._live is None:
            raise ConfigurationError("the mapper has no map to change: configure it first")
        return self._live

    def _note_change(self) -> None:
        self._is_dirty = True

    def _on_tick(self) -> None:
        """Publish what has changed since the last tick, so that maps come no more often."""
        if self._worker is None or not self.is_active:
            return
        if self.parameters.max_view_age_s and not self._ages:
            self._ages = True
            self._worker.put(self._age)
        if self._is_dirty:
            with self._refusing("map"):
                self._publish()

    def _age(self) -> None:
        """Job: take out what is too old; the next tick publishes that."""
        self._ages = False
        with self._refusing("map"):
            if self._changing().age(self.get_clock().now().nanoseconds):
                self._note_change()

    def _publish(self) -> None:
        with self._publishing:
            # In this order: a change from now on is one for the next tick.
            self._is_dirty = False
            view_map = self._view_map
            if view_map is not None and self.is_active:
                self._send(view_map)

    def _send(self, view_map: ViewMap) -> None:
        stamp_ns = self.get_clock().now().nanoseconds
        frame = self.parameters.global_frame_id
        self._maps.publish(to_map_message(view_map, stamp_ns=stamp_ns, frame_id=frame))
        self._viewpoints.publish(to_viewpoint_markers(view_map, stamp_ns=stamp_ns, frame_id=frame))
        self._sheet.publish(to_viewpoint_sheet(view_map, stamp_ns=stamp_ns, frame_id=frame))
        self.get_logger().info(f"published {_describe(view_map)}")

    def _on_remove(
        self, request: RemoveViews.Request, response: RemoveViews.Response
    ) -> RemoveViews.Response:
        def remove() -> str:
            age_ns = round(request.older_than_s * NANOSECONDS)
            before_ns = self.get_clock().now().nanoseconds - age_ns if age_ns > 0 else 0
            self._changing().remove(request.view_ids, before_ns=before_ns)
            self._publish()
            return f"left {_describe(self._view_map)}"

        return self._answer(response, remove)

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
            self._go_on()
            response.message, response.success = work(), True
        except DmnError as error:
            response.message, response.success = str(error), False
            self.get_logger().error(str(error))
        except Exception as error:
            # A service call must not end the node, whatever went wrong.
            response.message, response.success = f"{type(error).__name__}: {error}", False
            self._trace(error)
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
