"""What the worker thread of the localizer does: maps, starts and images to fixes. No ROS in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dmn_core.errors import DmnError
from dmn_core.localization import Everywhere, Localizer, Near
from dmn_core.robot import RobotSettings, doubts_of, session_of
from dmn_core.session import Fix
from dmn_core.views import ViewMap
from dmn_ros.interface_parameters import OnTimeJump
from dmn_ros.map_message import same_map
from dmn_ros.odometry import PosedImage


class EstimateError(DmnError):
    """The filter gave numbers that are not finite."""


class NotReadyError(DmnError):
    """An image came before there was a map."""


class Tracking:
    """A session, the map it works in and where it is to start; for use by one thread."""

    def __init__(
        self,
        localizer: Localizer,
        robot: RobotSettings,
        decode: Callable[[Any], np.ndarray],
        *,
        stated: Near | None = None,
        on_start: Callable[[Everywhere | Near], None],
    ) -> None:
        """Wait for a map.

        Args:
            localizer: with the filter of `robot`.
            robot: particles, seed and camera.
            decode: image messages to RGB (H, W, 3).
            stated: where to start; None for everywhere.
            on_start: told whenever the belief begins anew, for whatever reason, and where.
        """
        self._localizer = localizer
        self._decode = decode
        self._on_start = on_start
        self._particles = robot.particles
        self._session = session_of(localizer, robot)
        self._view_map: ViewMap | None = None
        self._stated = stated
        self._start: Everywhere | Near = stated or Everywhere(particles=robot.particles)
        self._stood_at: np.ndarray | None = None

    @property
    def view_map(self) -> ViewMap | None:
        """The map in use."""
        return self._view_map

    def use_map(self, view_map: ViewMap, start: Near | None = None) -> bool:
        """Localize in this map; False where it is in use already.

        In a map of the same place the belief goes on; in another it begins with `start`, else with
        the last start asked for.

        Raises:
            MapError: the map was made by other weights; the map before stays in use.
        """
        if self._view_map is not None and same_map(self._view_map, view_map):
            return False
        stood_at = self._stood_at if start is None else None
        first = start or self._start
        kept = self._session.use_map(view_map, first, stood_at=stood_at)
        self._view_map = view_map
        self._start, self._stood_at = Everywhere(particles=self._particles), None
        if not kept:
            self._on_start(first)
        return True

    def start_near(self, start: Near, *, stood_at: np.ndarray | None = None) -> bool:
        """Start around a pose; False where that has to wait for a map.

        Args:
            start: where the robot is, or was.
            stood_at: odometry (3,) where it stood then, if that is known.
        """
        if self._view_map is None:
            self._start, self._stood_at = start, stood_at
            return False
        self._session.restart(start, stood_at=stood_at)
        self._on_start(start)
        return True

    def start_everywhere(self) -> bool:
        """Start anew, knowing nothing; False where that has to wait for a map."""
        return self._start_at(Everywhere(particles=self._particles))

    def start_again(self, how: OnTimeJump) -> None:
        """Time began anew: start as at first, drawing what was drawn then, or everywhere, or go on.

        With `keep` the belief is that of the last image, and odometry since then is not known.
        """
        if how == "keep":
            # A start that waits for a map stays, as the belief does.
            self._stood_at = None
            self._session.lose_odometry()
            return
        stated = self._stated if how == "reset" else None
        self._start_at(stated or Everywhere(particles=self._particles), as_first=True)

    def _start_at(self, start: Everywhere | Near, *, as_first: bool = False) -> bool:
        if self._view_map is None:
            self._start, self._stood_at = start, None
            return False
        self._session.restart(start, as_first=as_first)
        self._on_start(start)
        return True

    def doubt(self, robot: RobotSettings) -> str:
        """Why the confidence may not hold under other settings; empty where it does."""
        return "; ".join(doubts_of(self._localizer.calibration, robot))

    def adjust(self, robot: RobotSettings) -> None:
        """Filter, gate and monitor work by other settings from now on."""
        self._localizer.settings = robot.filter
        self._particles = robot.particles
        # Starts that wait for a map, or for time to begin anew.
        self._start = replace(self._start, particles=robot.particles)
        if self._stated is not None:
            self._stated = replace(self._stated, particles=robot.particles)
        self._session.adjust(robot.gate, robot.monitor)

    def use_camera(self, pose_base_camera: tuple[float, float, float]) -> None:
        """Take images from there on the robot from now on."""
        self._session.pose_base_camera = pose_base_camera

    def force_update(self) -> None:
        """Weigh the next image, however little the robot has moved."""
        self._session.force_update()

    def localize(self, image: PosedImage) -> Fix:
        """The robot's pose at an image.

        Raises:
            NotReadyError: there is no map yet. DecodingError: the image cannot be decoded.
            EstimateError: the estimate is not finite; the belief was started anew.
        """
        if self._view_map is None:
            raise NotReadyError("an image came before the map: start the mapper first")
        rgb = self._decode(image.message)
        fix = self._session.update(image.stamp_ns, rgb, image.pose_odom_base)
        parts = (fix.pose_map_base, fix.covariance, fix.weights)
        if not all(np.isfinite(part).all() for part in parts):
            self.start_everywhere()
            raise EstimateError("the estimate is not finite, so the belief was started anew")
        return fix


def doubt_of_start(start: Everywhere | Near, view_map: ViewMap | None) -> str:
    """What is odd about a start in a map; empty where nothing is."""
    if isinstance(start, Everywhere) or view_map is None or view_map.area_m is None:
        return ""
    (x, y, _), (x_min, x_max, y_min, y_max) = start.pose_map_base, view_map.area_m
    if x_min <= x <= x_max and y_min <= y <= y_max:
        return ""
    return (
        f"the start at ({x:.2f} m, {y:.2f} m) is outside of the map's area, x {x_min:.2f} to "
        f"{x_max:.2f} m, y {y_min:.2f} to {y_max:.2f} m"
    )
