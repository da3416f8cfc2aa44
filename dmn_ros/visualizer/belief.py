"""A belief as messages for the eye: a grid as heat map, and markers for its modes."""

from __future__ import annotations

import array
import math

import numpy as np
from dmn.msg import LocalizerStatus, WeightedParticles
from geometry_msgs.msg import Point, Pose, Vector3
from nav_msgs.msg import OccupancyGrid
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from dmn_core.data.ros_decoding import planar_pose
from dmn_core.errors import DecodingError
from dmn_core.particle_filter.density import density_grid
from dmn_core.views import Area
from dmn_ros.conversions import to_pose

# A grid of a mistaken area must not fill the memory.
MOST_CELLS = 1_000_000
PERCENT = 100
SIGMAS = 2.0
ARROW_M, TEXT_M, RAISED_M = 2.0, 0.9, 0.05
# Below this, a mode is hardly seen.
LEAST_ALPHA = 0.25


def to_belief_grid(belief: WeightedParticles, area_m: Area, *, cell_m: float) -> OccupancyGrid:
    """The belief as a grid of 0 to 100: the square root of the share of the fullest cell.

    Args:
        belief: of the robot in the map.
        area_m: x_min, x_max, y_min, y_max of the grid.
        cell_m: side of a cell; larger where the grid would have more than a million.

    Raises:
        DecodingError: the arrays are not of one length, or hold numbers that are not finite.
    """
    poses, weights = _belief(belief)
    x_min, x_max, y_min, y_max = area_m
    cell = max(cell_m, math.sqrt((x_max - x_min) * (y_max - y_min) / MOST_CELLS))
    columns, rows = (
        max(1, math.ceil(size / cell - 1e-9)) for size in (x_max - x_min, y_max - y_min)
    )
    covered = (x_min, x_min + columns * cell, y_min, y_min + rows * cell)
    density = density_grid(poses, weights, covered, shape=(rows, columns))
    share = np.sqrt(density / max(float(density.max()), 1e-12))
    values = np.round(PERCENT * share).astype(np.int8)
    grid = OccupancyGrid(header=belief.header, data=array.array("b", values.tobytes()))
    grid.info.map_load_time = belief.header.stamp
    grid.info.resolution, grid.info.width, grid.info.height = float(cell), columns, rows
    grid.info.origin = Pose(position=Point(x=x_min, y=y_min))
    return grid


def to_mode_markers(status: LocalizerStatus) -> MarkerArray:
    """An ellipse of two standard deviations, an arrow and the mass for every mode.

    The more of the belief a mode holds, the less can be seen through it.

    Raises:
        DecodingError: a mode has no mass, or numbers that are not finite.
    """
    if len(status.modes) != len(status.mode_masses):
        raise DecodingError(
            f"status wants a mass for each of {len(status.modes)} modes, got "
            f"{len(status.mode_masses)}"
        )
    markers = [Marker(header=status.header, action=Marker.DELETEALL)]
    for number, (mode, mass) in enumerate(zip(status.modes, status.mode_masses, strict=True)):
        markers += _mode(status.header, number, mode, float(mass))
    return MarkerArray(markers=markers)


def ellipse(covariance: np.ndarray) -> tuple[float, float, float]:
    """Standard deviations along and across [m], and the direction [rad], of (2, 2) [m^2]."""
    values, axes = np.linalg.eigh(covariance)
    across, along = np.sqrt(np.maximum(values, 0.0))
    return float(along), float(across), math.atan2(axes[1, 1], axes[0, 1])


def _mode(header: Header, number: int, mode: object, mass: float) -> list[Marker]:
    pose = planar_pose(mode.pose)  # type: ignore[attr-defined]
    covariance = np.array(mode.covariance).reshape(6, 6)[:2, :2]  # type: ignore[attr-defined]
    if not (np.isfinite(covariance).all() and math.isfinite(mass)):
        raise DecodingError(f"mode {number} wants finite numbers, got mass {mass!r}")
    along, across, direction = ellipse(covariance)
    alpha = LEAST_ALPHA + (1 - LEAST_ALPHA) * min(max(mass, 0.0), 1.0)
    colour = ColorRGBA(r=0.8, g=0.2, b=0.8, a=0.5 * alpha)
    flat = _marker(header, "ellipses", number, Marker.CYLINDER, colour)
    flat.pose = to_pose(np.array([pose[0], pose[1], direction]))
    flat.pose.position.z = RAISED_M
    # A marker must have a size.
    flat.scale = Vector3(
        x=max(2 * SIGMAS * along, 0.05), y=max(2 * SIGMAS * across, 0.05), z=RAISED_M
    )
    bright = ColorRGBA(r=0.9, g=0.3, b=0.9, a=alpha)
    arrow = _marker(header, "headings", number, Marker.ARROW, bright)
    arrow.pose, arrow.scale = to_pose(pose), Vector3(x=ARROW_M, y=0.25, z=0.25)
    text = _marker(header, "masses", number, Marker.TEXT_VIEW_FACING, bright)
    text.pose, text.scale = to_pose(pose), Vector3(z=TEXT_M)
    text.pose.position.z = TEXT_M
    text.text = f"{PERCENT * mass:.0f} %"
    return [flat, arrow, text]


def _marker(header: Header, name: str, number: int, kind: int, colour: ColorRGBA) -> Marker:
    return Marker(header=header, ns=name, id=number, type=kind, color=colour)


def _belief(belief: WeightedParticles) -> tuple[np.ndarray, np.ndarray]:
    columns = [np.array(c, np.float64) for c in (belief.x, belief.y, belief.yaw, belief.weight)]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) == 0:
        raise DecodingError(
            f"particles want four arrays of one length, got {[len(c) for c in columns]}"
        )
    if not all(np.isfinite(column).all() for column in columns):
        raise DecodingError("particles want finite numbers")
    return np.stack(columns[:3], axis=1), columns[3]
