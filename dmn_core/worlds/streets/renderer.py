"""Headless rendering of panoramas in a city with MuJoCo."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.streets.city import City
from dmn_core.worlds.streets.model import (
    CAR_GEOM,
    HIDDEN_DEPTH_M,
    SKY_GEOM,
    SKY_RADIUS_M,
    build_street_model,
)
from dmn_core.worlds.streets.panorama import FACES, CubeUnwrapper, PanoramaConfig
from dmn_core.worlds.streets.traffic import MOVING_CARS, moving_cars
from dmn_core.worlds.streets.visit import Visit
from dmn_core.worlds.world_renderer import WorldRenderer


class StreetRenderer(WorldRenderer):
    """Renders what is seen in a city at one visit."""

    def __init__(self, city: City, visit: Visit, config: PanoramaConfig | None = None) -> None:
        self.city, self.visit = city, visit
        self.config = config or PanoramaConfig()
        self._unwrapper = CubeUnwrapper(self.config)
        side_px = self.config.face_px
        face_deg = 2 * float(np.degrees(np.arctan(self.config.face_half_tangent)))
        super().__init__(
            CameraConfig(side_px, side_px, field_of_view_deg=face_deg, supersampling=1.0),
            side_m=max(city.plan.bounds.size),
            eye_height_m=self.config.camera_height_m,
        )
        for camera in self._scene.camera:
            camera.frustum_far = 2 * SKY_RADIUS_M  # nearer, MuJoCo drops it whole
        self._sky = self._movable(SKY_GEOM)
        self._cars = [self._movable(CAR_GEOM.format(number)) for number in range(MOVING_CARS)]

    def render(
        self, pose_map_camera: ArrayLike, *, traffic_seed: int | None = 0
    ) -> NDArray[np.uint8]:
        """Return the panorama (H, W, 3) seen from (x [m], y [m], yaw) in the city's frame.

        Its middle looks along yaw. The seed places the moving cars; None leaves them out.
        """
        x, y, yaw = np.asarray(pose_map_camera, dtype=np.float64)
        self._sky.place(x, y, 0.0)
        self._place_cars(x, y, traffic_seed)
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        faces = []
        for ahead, up in FACES:
            for camera in self._scene.camera:
                camera.pos[:] = (x, y, self.config.camera_height_m)
                camera.forward[:] = turn @ np.array(ahead)
                camera.up[:] = turn @ np.array(up)
            faces.append(self._draw(self._scene, *self.camera.drawn_size))
        return self._unwrapper.unwrap(np.concatenate(faces, axis=1))

    def _build_model(self, mujoco: ModuleType, buffer_size: tuple[int, int]) -> Any:
        return build_street_model(mujoco, self.city, self.visit, buffer_size=buffer_size)

    def _place_cars(self, x: float, y: float, traffic_seed: int | None) -> None:
        poses = np.empty((0, 3))
        if traffic_seed is not None:
            rng = np.random.default_rng([self.visit.seed, 4, traffic_seed])
            poses = moving_cars(self.city, np.array([x, y]), rng=rng)
        for number, car in enumerate(self._cars):
            if number < len(poses):
                at_x, at_y, yaw = poses[number]
                car.place(at_x, at_y, HIDDEN_DEPTH_M, yaw=yaw)
            else:
                car.place(0.0, 0.0, 0.0)

    def _movable(self, name: str) -> _Movable:
        number, kind = self._model.geom(name).id, self._mujoco.mjtObj.mjOBJ_GEOM
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.objtype == kind and geom.objid == number:
                return _Movable(geom)
        raise RuntimeError(f"the scene lacks {name!r}")


class _Movable:
    """A shape of the scene that is moved from where the model has it."""

    def __init__(self, geom: Any) -> None:
        self._geom = geom
        self._position, self._rotation = geom.pos.copy(), geom.mat.copy()

    def place(self, x: float, y: float, z: float, *, yaw: float = 0.0) -> None:
        """Turn about the model's vertical axis, then move by (x, y, z)."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        self._geom.pos[:] = turn @ self._position + np.array([x, y, z])
        self._geom.mat[:] = turn @ self._rotation
