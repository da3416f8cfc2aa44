"""Simulated drives of a robot that is carried elsewhere on the way, localized as a robot does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.drive_moment import Moment, moment_of
from dmn_core.localization import Everywhere, Localizer
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.robot import RobotSettings, session_of
from dmn_core.views import Views
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.kidnapped_drive import drive_and_be_kidnapped
from dmn_core.worlds.maze import MazeConfig, generate_maze
from dmn_core.worlds.renderer import MazeRenderer
from dmn_core.worlds.sampling import sample_free_poses
from dmn_core.worlds.trajectory import DriveConfig


@dataclass(frozen=True)
class KidnapPlan:
    """A drive, a jump that odometry does not see, and another drive.

    Attributes:
        seconds: length of either drive.
        images_per_s: of the camera; those are weighed that the robot's gate lets through.
        views: context views of the map, anywhere in the maze.
    """

    seconds: float = 30.0
    images_per_s: float = 5.0
    views: int = 16

    def __post_init__(self) -> None:
        """Refuse drives without images."""
        if not (self.seconds * self.images_per_s >= 2 and self.views >= 1):
            raise ConfigurationError(f"drives want images and views, got {self!r}")


def localize_kidnapped(
    localizer: Localizer, *, robot: RobotSettings, plan: KidnapPlan, seed: int
) -> list[Moment]:
    """Drive through the maze of a seed, starting without a pose, and localize at every image."""
    rng = np.random.default_rng(seed)
    layout = generate_maze(seed, MazeConfig())
    config = localizer.network.config
    camera = CameraConfig(width=config.image_width, height=config.image_height)
    with MazeRenderer(layout, camera) as renderer:
        viewpoints = sample_free_poses(layout, plan.views, rng=rng)
        views = Views(renderer.render_many(viewpoints), viewpoints)
        localizer.use_map(localizer.build_map(views, area_m=layout.area_m))
        session = session_of(localizer, robot)
        session.restart(Everywhere(particles=robot.particles))
        drive = drive_and_be_kidnapped(
            layout, plan.seconds, rng=rng, config=DriveConfig(rate_hz=plan.images_per_s)
        )
        way = drive.trajectory
        moments = []
        for time_s, truth, odometry in zip(
            way.times_s.tolist(), way.poses_map_base, drive.poses_odom_base, strict=True
        ):
            fix = session.update(round(time_s * NANOSECONDS), renderer.render(truth), odometry)
            moments.append(moment_of(fix, truth, since_kidnap_s=time_s - drive.kidnap_s))
    return moments
