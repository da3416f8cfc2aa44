"""Headless rendering with MuJoCo of a world that stands still: what all kinds of world share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.offscreen import import_mujoco, make_gl_current

if TYPE_CHECKING:
    from typing_extensions import Self

_NEAR_M = 0.1


class WorldRenderer(ABC):
    """Renders what a camera sees in one world; use it as a context manager or call `close`.

    Args:
        camera: that looks.
        side_m: side of the square world around the origin.
        eye_height_m: height of the camera in the model.

    Raises:
        WorldError: MuJoCo is not installed or no headless OpenGL can be started.
    """

    def __init__(self, camera: CameraConfig, *, side_m: float, eye_height_m: float = 0.0) -> None:
        self.camera = camera
        self._side_m, self._eye_height_m = side_m, eye_height_m
        self._mujoco = import_mujoco()
        make_gl_current()
        self._model = self._build_model(self._mujoco, camera.drawn_size)
        self._context = self._mujoco.MjrContext(
            self._model, self._mujoco.mjtFontScale.mjFONTSCALE_50
        )
        self._mujoco.mjr_setBuffer(self._mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = self._new_scene()

    @abstractmethod
    def _build_model(self, mujoco: ModuleType, buffer_size: tuple[int, int]) -> Any:
        """Return the compiled `mujoco.MjModel`, for an off-screen buffer (width, height)."""

    def render(self, pose_map_camera: ArrayLike) -> NDArray[np.uint8]:
        """Return the RGB image (H, W, 3) seen from planar pose (x [m], y [m], yaw [rad])."""
        x, y, yaw = np.asarray(pose_map_camera, dtype=np.float64)
        for camera in self._scene.camera:
            camera.pos[:] = (x, y, self._eye_height_m)
            camera.forward[:] = (np.cos(yaw), np.sin(yaw), 0.0)
            camera.up[:] = (0.0, 0.0, 1.0)
        image = self._develop(self._draw(self._scene, *self.camera.drawn_size))
        size = (self.camera.width, self.camera.height)
        if size == self.camera.drawn_size:
            return image
        shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.asarray(shrunk, dtype=np.uint8)

    def _develop(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the camera makes of a frame as drawn, before it is shrunk."""
        return frame

    def render_many(self, poses_map_camera: ArrayLike) -> NDArray[np.uint8]:
        """Return RGB images (M, H, W, 3) seen from poses (M, 3)."""
        return np.stack([self.render(pose) for pose in np.asarray(poses_map_camera)])

    def render_top_view(self, size_px: int = 560) -> NDArray[np.uint8]:
        """Return the world from above as RGB (size_px, size_px, 3): +x to the right, +y up."""
        half = self._side_m / 2
        drawn = self._new_scene()
        for camera in drawn.camera:
            camera.pos[:] = (0.0, 0.0, half)
            camera.forward[:] = (0.0, 0.0, -1.0)
            camera.up[:] = (0.0, 1.0, 0.0)
            camera.orthographic = 1
            camera.frustum_width = half
            camera.frustum_bottom, camera.frustum_top = -half, half
        return self._draw(drawn, size_px, size_px)

    def close(self) -> None:
        """Release the GPU memory of this world."""
        make_gl_current()
        self._context.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(self, scene: Any, width: int, height: int) -> NDArray[np.uint8]:
        mujoco = self._mujoco
        make_gl_current()
        if (self._context.offWidth, self._context.offHeight) != (width, height):
            mujoco.mjr_resizeOffscreen(width, height, self._context)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        viewport = mujoco.MjrRect(0, 0, width, height)
        pixels = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_render(viewport, scene, self._context)
        mujoco.mjr_readPixels(pixels, None, viewport, self._context)
        return np.ascontiguousarray(pixels[::-1])

    def _new_scene(self) -> Any:
        """Return a scene of the world, its two (stereo) cameras set up."""
        mujoco = self._mujoco
        scene = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 8)
        data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, data)
        for flag in ("mjRND_SHADOW", "mjRND_REFLECTION", "mjRND_FOG", "mjRND_HAZE"):
            scene.flags[getattr(mujoco.mjtRndFlag, flag)] = 0
        scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = 1
        everything = mujoco.mjtCatBit.mjCAT_ALL
        option, free_camera = mujoco.MjvOption(), mujoco.MjvCamera()
        mujoco.mjv_updateScene(self._model, data, option, None, free_camera, everything, scene)
        half_width = _NEAR_M * np.tan(np.radians(self.camera.field_of_view_deg) / 2)
        half_height = half_width * self.camera.height / self.camera.width
        for camera in scene.camera:
            camera.frustum_near = _NEAR_M
            camera.frustum_far = 4 * self._side_m
            camera.frustum_center = 0.0
            camera.frustum_width = half_width
            camera.frustum_bottom, camera.frustum_top = -half_height, half_height
        return scene
