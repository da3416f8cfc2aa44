"""Commands `dmn worlds mazes` and `dmn worlds bags`: simulated places, as data and as bags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import subcommand

from dmn_core.data.bag_output import Storage
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag, record_query_bag
from dmn_core.data.simulated_mazes import TEST_SEED, SimulatedMazesConfig, load_or_render_mazes
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.pictures import contact_sheet, draw_path, draw_views, save_picture
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.trajectory import drive_between_random_cells

_TOP_VIEW_PX = 700


@dataclass(frozen=True)
class MazesCommand:
    """Render a set of mazes into the cache; with `show`, only draw the first ones."""

    count: int = 1000
    """How many mazes."""
    views: int = 100
    """Views of each maze."""
    seed: int = 0
    """Seed of the first maze (training 0, validation 1000000, test 2000000)."""
    image_size: int = 32
    """Width and height of the images, in pixels."""
    workers: int = 1
    """Processes that render."""
    cache: Path | None = None
    """Folder of rendered mazes; by default $DMN_CACHE or ~/.cache/dmn."""
    show: bool = False
    """Write a contact sheet and a top view with a drive instead of rendering the set."""
    out: Path = Path("results/worlds")
    """Folder of the pictures."""

    def run(self) -> None:
        """Carry out the command."""
        if self.show:
            for path in self.draw():
                print(path)
            return
        config = SimulatedMazesConfig(
            count=self.count,
            views_per_maze=self.views,
            image_size=self.image_size,
            first_seed=self.seed,
        )
        mazes = load_or_render_mazes(config, cache_dir=self.cache, workers=self.workers)
        print(f"{len(mazes)} mazes with {self.views} views each, seeds from {self.seed}")

    def draw(self) -> list[Path]:
        """Write a sheet of up to 8 mazes and a top view of the first; return the paths."""
        views = min(self.views, 12)
        shown = SimulatedMazesConfig(
            count=min(self.count, 8),
            views_per_maze=views,
            image_size=self.image_size,
            first_seed=self.seed,
            mazes_per_shard=1,
        )
        mazes = load_or_render_mazes(shown, cache_dir=self.cache, show_progress=False)
        sheet = contact_sheet(mazes.images.numpy(), columns=views)
        layout = generate_maze(self.seed)
        rng = np.random.default_rng(self.seed)
        drive = drive_between_random_cells(layout, 60.0, rng=rng)
        with MazeRenderer(layout, CameraConfig()) as renderer:
            top = renderer.render_top_view(_TOP_VIEW_PX)
        top = draw_path(top, drive.poses_map_base, layout.area_m)
        top = draw_views(top, mazes.poses_map_camera[mazes.views_of(0)], layout.area_m)
        return [
            save_picture(self.out / "contact_sheet.png", sheet),
            save_picture(self.out / "top_view.png", top),
        ]


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
    """Make simulated worlds: data sets of mazes, or bags of a robot that drives through one."""

    what: Annotated[MazesCommand, subcommand("mazes")] | Annotated[BagsCommand, subcommand("bags")]

    def run(self) -> None:
        """Carry out the command."""
        self.what.run()
