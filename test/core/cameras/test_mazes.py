"""A robot's camera in a maze: its images become what the shipped weights were trained with."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.cameras import Distortion, ImageAdapter, PinholeCamera
from dmn_core.observation import NetworkConfig
from dmn_core.robot import load_localizer
from dmn_core.views import Views, resize_rgb
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import MazeLayout, generate_maze
from dmn_core.worlds.renderer import MazeRenderer
from dmn_core.worlds.sampling import sample_free_poses

WEIGHTS = Path(__file__).parents[3] / "models" / "mazes.safetensors"
CONTEXTS, QUERIES = 5, 2
KNOWN = NetworkConfig().camera
BARREL = Distortion("plumb_bob", (-0.2, 0.04, 0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def maze() -> tuple[MazeLayout, np.ndarray]:
    layout = generate_maze(2_000_100)
    poses = sample_free_poses(layout, CONTEXTS + QUERIES, rng=np.random.default_rng(0))
    return layout, poses


@pytest.fixture(scope="module")
def native(maze: tuple[MazeLayout, np.ndarray]) -> np.ndarray:
    with MazeRenderer(maze[0], CameraConfig()) as renderer:
        return renderer.render_many(maze[1])


@pytest.fixture(scope="module")
def localizer():
    return load_localizer(WEIGHTS, device="cpu")


def camera(width: int, height: int, across_deg: float) -> PinholeCamera:
    focal = width / 2 / np.tan(np.radians(across_deg) / 2)
    return PinholeCamera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def photographs(
    maze: tuple[MazeLayout, np.ndarray], width: int, height: int, across_deg: float
) -> np.ndarray:
    with MazeRenderer(maze[0], CameraConfig(width, height, across_deg, 1.0)) as renderer:
        return renderer.render_many(maze[1])


def difference(adapter: ImageAdapter, images: np.ndarray, native: np.ndarray) -> float:
    """Mean grey values, where the camera sees."""
    seen = cv2.erode(adapter.seen.astype(np.uint8), np.ones((3, 3)), borderValue=1) > 0
    adapted = np.stack([adapter(image) for image in images])
    return float(np.abs(adapted[:, seen].astype(int) - native[:, seen]).mean())


@pytest.mark.parametrize(
    ("width", "height", "across_deg"), [(640, 480, 120.0), (640, 480, 60.0), (211, 157, 100.0)]
)
def test_other_fields_of_view_show_the_same(maze, native, width, height, across_deg) -> None:
    images = photographs(maze, width, height, across_deg)
    adapter = ImageAdapter(camera(width, height, across_deg), KNOWN)
    resized = np.stack([resize_rgb(image, height=32, width=32) for image in images])
    error = difference(adapter, images, native)
    assert error < 3
    assert error < 0.25 * np.abs(resized.astype(int) - native).mean()


@pytest.fixture(scope="module")
def barrel(maze) -> tuple[PinholeCamera, np.ndarray]:
    """A lens that bends walls, simulated from wide photographs by OpenCV's inverse of it."""
    lens = PinholeCamera(320, 240, 140.0, 140.0, 159.5, 119.5, BARREL)
    wide = camera(900, 700, 130.0)
    pixels = np.stack(np.meshgrid(np.arange(320), np.arange(240)), axis=-1).reshape(-1, 1, 2)
    matrix = np.array([[lens.fx, 0, lens.cx], [0, lens.fy, lens.cy], [0, 0, 1]])
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
    coefficients = np.array(BARREL.coefficients)
    flat = cv2.undistortPointsIter(
        pixels.astype(np.float64), matrix, coefficients, None, None, until
    )
    x, y = np.moveaxis(flat.reshape(240, 320, 2).astype(np.float32), -1, 0)
    x, y = x * np.float32(wide.fx) + wide.cx, y * np.float32(wide.fy) + wide.cy
    shots = photographs(maze, wide.width, wide.height, 130.0)
    bent = [cv2.remap(image, x.astype(np.float32), y.astype(np.float32), 1) for image in shots]
    return lens, np.stack(bent)


def test_distortion_is_undone(native, barrel) -> None:
    lens, images = barrel
    straight = PinholeCamera(320, 240, 140.0, 140.0, 159.5, 119.5)
    right = difference(ImageAdapter(lens, KNOWN), images, native)
    assert right < 3
    assert right < 0.5 * difference(ImageAdapter(straight, KNOWN), images, native)


def test_likelihoods_are_those_of_the_known_camera(maze, native, barrel, localizer) -> None:
    """Context and query from the robot's camera, a lens of 98 degrees across."""
    lens, images = barrel
    adapter = ImageAdapter(lens, localizer.network.config.camera)
    adapted = np.stack([adapter(image) for image in images])
    resized = np.stack([resize_rgb(image, height=32, width=32) for image in images])
    expected = log_likelihoods(localizer, native, maze[1])
    ours = correlation(log_likelihoods(localizer, adapted, maze[1]), expected)
    plain = correlation(log_likelihoods(localizer, resized, maze[1]), expected)
    assert ours > 0.95
    assert ours > plain


def log_likelihoods(localizer, images: np.ndarray, poses: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    place = rng.uniform(-20, 20, (1, 100, 2))
    asked = np.concatenate([place, rng.uniform(-np.pi, np.pi, (1, 100, 1))], axis=-1)
    network = localizer.network
    views = Views(images[:CONTEXTS], poses[:CONTEXTS])
    with torch.inference_mode():
        prepared = network.prepare_map(localizer.build_map(views))
        found = [
            network.log_likelihood(
                prepared,
                network.encode_query(localizer._network_images(image[None])),
                torch.from_numpy(asked.astype(np.float32)),
            )
            for image in images[CONTEXTS:]
        ]
    return torch.cat(found).numpy()


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(ours, theirs, strict=True)]))
