"""Commands `dmn worlds ...`: simulated places, as data and as bags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from tyro.conf import subcommand

from dmn_core.cli.worlds_rooms import RoomsCommand
from dmn_core.cli.worlds_sets import TOP_VIEW_PX, RenderedSetCommand
from dmn_core.cli.worlds_streets import StreetsCommand
from dmn_core.data.bag_output import Storage
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag, record_query_bag
from dmn_core.data.rendered_sets import TEST_SEED
from dmn_core.views import Area
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.maze_recipe import MazeRecipe
from dmn_core.worlds.pictures import draw_path
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.shards import WORLDS_PER_SHARD
from dmn_core.worlds.trajectory import drive_between_random_cells


@dataclass(frozen=True)
class MazesCommand(RenderedSetCommand):
    """Render a set of mazes into the cache; with `show`, only draw the first ones."""

    def recipe(self, *, worlds_per_shard: int = WORLDS_PER_SHARD) -> MazeRecipe:
        """How the mazes are made and seen."""
        camera = CameraConfig(self.image_size, self.image_size)
        return MazeRecipe(self.views, worlds_per_shard, camera=camera)

    def top_view(self) -> tuple[NDArray[np.uint8], Area]:
        """The first maze from above with a drive, RGB (S, S, 3), and its area in metres."""
        layout = generate_maze(self.seed)
        rng = np.random.default_rng(self.seed)
        drive = drive_between_random_cells(layout, 60.0, rng=rng)
        with MazeRenderer(layout, CameraConfig()) as renderer:
            top = renderer.render_top_view(TOP_VIEW_PX)
        return draw_path(top, drive.poses_map_base, layout.area_m), layout.area_m


@dataclass(frozen=True)
class BagsCommand:
    """Record a simulated mapping drive (`context`) and a query drive (`query`) as ROS 2 bags."""

    out: Path = Path("results/bags")
    """Folder that gets the two bags."""
    seed: int = TEST_SEED
    """Seed of the maze and of the drives."""
    storage: Storage = "mcap"
    """Storage of the bags."""
    views: int = 16
    """Images in the context bag."""
    duration_s: float = 60.0
    """Length of the query drive in seconds."""
    image_rate_hz: float = 5.0
    """Images a second in the query bag."""
    image_size: int = 96
    """Width and height of the images, in pixels."""
    raw: bool = False
    """Record sensor_msgs/Image instead of JPEG images."""

    def run(self) -> None:
        """Carry out the command."""
        layout = generate_maze(self.seed)
        config = RecordingConfig(
            storage=self.storage,
            compressed=not self.raw,
            camera=CameraConfig(self.image_size, self.image_size, supersampling=1.0),
            image_rate_hz=self.image_rate_hz,
        )
        context, query = self.out / "context", self.out / "query"
        print(record_context_bag(context, layout, views=self.views, seed=self.seed, config=config))
        print(
            record_query_bag(
                query, layout, duration_s=self.duration_s, seed=self.seed, config=config
            )
        )


@dataclass(frozen=True)
class WorldsCommand:
    """Make simulated worlds: data sets, or bags of a robot that drives through one."""

    what: (
        Annotated[MazesCommand, subcommand("mazes")]
        | Annotated[RoomsCommand, subcommand("rooms")]
        | Annotated[StreetsCommand, subcommand("streets")]
        | Annotated[BagsCommand, subcommand("bags")]
    )

    def run(self) -> None:
        """Carry out the command."""
        self.what.run()
