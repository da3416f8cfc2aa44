"""Command `dmn picture`: what RViz and Foxglove show of a recorded drive, without either."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from dmn_core.cli.replay import replay_with_bar
from dmn_core.data.bag_map import MappingSettings
from dmn_core.data.replay import QuerySettings, Replay
from dmn_core.evaluation.replay_report import ReplayReport
from dmn_core.evaluation.scene import Scene
from dmn_core.evaluation.screens import draw_foxglove, draw_rviz
from dmn_core.robot import RobotSettings, load_localizer
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class PictureCommand:
    """Localize along a query bag and draw what RViz and Foxglove show at one moment.

    The pictures are drawn from the same data that the nodes publish; they are not screenshots.
    """

    context: Positional[Path]
    """Context bag, or a map file (.safetensors)."""
    query: Positional[Path]
    """Query bag: images and odometry; truth where it is known."""
    out: Path = Path("results/pictures")
    """Folder of rviz.png and foxglove.png; older ones are replaced."""
    at_s: float = 1e9
    """Seconds after the first image; the last image if the drive is shorter."""
    weights: str = ""
    """Weights file; the shipped ones if empty."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    robot: RobotSettings = field(default_factory=RobotSettings)
    mapping: MappingSettings = field(default_factory=MappingSettings)
    reading: QuerySettings = field(default_factory=QuerySettings)

    def run(self) -> None:
        """Carry out the command."""
        localizer = load_localizer(
            find_weights(self.weights), device=self.device, settings=self.robot.filter
        )
        result = replay_with_bar(
            self.context,
            self.query,
            localizer=localizer,
            robot=self.robot,
            mapping=self.mapping,
            reading=self.reading,
        )
        for path in draw_screens(result, self.out, at_s=self.at_s):
            print(path)


def draw_screens(result: Replay, out: Path, *, at_s: float) -> list[Path]:
    """Write both pictures of a moment of a replay.

    Raises:
        BagError: odometry covered no image, so there is nothing to draw.
    """
    drive = ReplayReport(result).drive
    history = [fix for fix in result.fixes if drive.time_s(fix.stamp_ns) <= max(at_s, 0.0)]
    now = history[-1]
    image = next(image for stamp, image in result.recording if stamp == now.stamp_ns)
    truths = [drive.truth_at(fix.stamp_ns) for fix in history]
    known = [truth for truth in truths if truth is not None]
    scene = Scene(
        fix=now,
        path=np.stack([fix.pose_map_base for fix in history]),
        truth=np.stack(known) if known else None,
        view_map=result.view_map,
        area_m=drive.area_m,
    )
    return [
        draw_rviz(out / "rviz.png", scene, image),
        draw_foxglove(out / "foxglove.png", scene, image, history),
    ]
