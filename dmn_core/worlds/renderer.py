"""Headless rendering of mazes with MuJoCo: unlit textures under a flat sky, as in DeepMind Lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.maze_model import build_maze_model
from dmn_core.worlds.offscreen import import_mujoco, make_gl_current

WALL_TOP_RGB = np.array((70, 70, 80), dtype=np.uint8)
_NEAR_M = 0.1


@dataclass(frozen=True)
class CameraConfig:
    """A pinhole camera that looks forward, level, at half the wall height.

    Images are drawn at `supersampling` times `height` x `width` and shrunk by area, which is how
    the small images of the published data sets came from larger frames.
    """

    width: int = 32
    height: int = 32
    field_of_view_deg: float = 90.0
    supersampling: float = 84 / 32

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1:
            raise WorldError(f"image size must be positive, not {self.width!r} x {self.height!r}")
        if not 0 < self.field_of_view_deg < 180:
            raise WorldError(
                f"field_of_view_deg must be between 0 and 180, not {self.field_of_view_deg!r}"
            )
        if self.supersampling < 1:
            raise WorldError(f"supersampling must be at least 1, not {self.supersampling!r}")

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height in pixels at which images are drawn."""
        return round(self.width * self.supersampling), round(self.height * self.supersampling)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels of the final image (square pixels)."""
        return self.width / 2 / float(np.tan(np.radians(self.field_of_view_deg) / 2))


class MazeRenderer:
    """Renders what a camera sees in one maze; use it as a context manager or call `close`.

    Raises:
        WorldError: when MuJoCo is not installed or no headless OpenGL can be started.
    """

    def __init__(self, layout: MazeLayout, camera: CameraConfig | None = None) -> None:
        self.layout = layout
        self.camera = camera or CameraConfig()
        self._mujoco = import_mujoco()
        make_gl_current()
        width, height = self.camera.drawn_size
        self._model = build_maze_model(self._mujoco, layout, buffer_size=(width, height))
        self._context = self._mujoco.MjrContext(
            self._model, self._mujoco.mjtFontScale.mjFONTSCALE_50
        )
        self._mujoco.mjr_setBuffer(self._mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = self._mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 8)
        self._fill(self._scene)

    def render(self, pose_map_camera: ArrayLike) -> NDArray[np.uint8]:
        """Return the RGB image (H, W, 3) seen from planar pose (x [m], y [m], yaw [rad])."""
        x, y, yaw = np.asarray(pose_map_camera, dtype=np.float64)
        for camera in self._scene.camera:
            camera.pos[:] = (x, y, 0.0)
            camera.forward[:] = (np.cos(yaw), np.sin(yaw), 0.0)
            camera.up[:] = (0.0, 0.0, 1.0)
        image = self._draw(self._scene, *self.camera.drawn_size)
        size = (self.camera.width, self.camera.height)
        if size == self.camera.drawn_size:
            return image
        shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.asarray(shrunk, dtype=np.uint8)

    def render_many(self, poses_map_camera: ArrayLike) -> NDArray[np.uint8]:
        """Return RGB images (M, H, W, 3) seen from poses (M, 3)."""
        return np.stack([self.render(pose) for pose in np.asarray(poses_map_camera)])

    def render_top_view(self, size_px: int = 560) -> NDArray[np.uint8]:
        """Return the maze from above as RGB (size_px, size_px, 3): +x to the right, +y up."""
        half = self.layout.config.size_m / 2
        drawn = self._mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + 8)
        self._fill(drawn)
        for camera in drawn.camera:
            camera.pos[:] = (0.0, 0.0, half)
            camera.forward[:] = (0.0, 0.0, -1.0)
            camera.up[:] = (0.0, 1.0, 0.0)
            camera.orthographic = 1
            camera.frustum_width = half
            camera.frustum_bottom, camera.frustum_top = -half, half
        image = self._draw(drawn, size_px, size_px)
        return np.where(_wall_mask(self.layout, size_px)[..., None], WALL_TOP_RGB, image)

    def close(self) -> None:
        """Release the GPU memory of this maze."""
        make_gl_current()
        self._context.free()

    def __enter__(self) -> MazeRenderer:
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

    def _fill(self, scene: Any) -> None:
        """Put the maze into `scene` and set up its two (stereo) cameras."""
        mujoco = self._mujoco
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
            camera.frustum_far = 4 * self.layout.config.size_m
            camera.frustum_center = 0.0
            camera.frustum_width = half_width
            camera.frustum_bottom, camera.frustum_top = -half_height, half_height


def _wall_mask(layout: MazeLayout, size_px: int) -> NDArray[np.bool_]:
    """Tell which pixels (size_px, size_px) of a top view show a wall."""
    inner = layout.walls[1:-1, 1:-1].astype(np.uint8)
    mask = cv2.resize(inner, (size_px, size_px), interpolation=cv2.INTER_NEAREST)
    return np.asarray(mask, dtype=np.bool_)
