"""Every parameter of the visualizer: name, type, default, range and meaning."""

from __future__ import annotations

from dataclasses import dataclass

from dmn_ros.declaration import parameter


@dataclass(frozen=True)
class VisualizerParameters:
    """Parameters of the visualizer."""

    global_frame_id: str = parameter("map", "frame of the map")
    cell_m: float = parameter(0.5, "side of a cell of belief_grid [m]", low=0.05, high=100.0)
    path_step_m: float = parameter(
        0.1, "a path goes on when the robot has moved this far [m]", low=0.0
    )
    max_path_poses: int = parameter(
        1000, "poses of a path; the oldest give way", low=2, high=100000
    )
