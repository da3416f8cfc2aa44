"""Command `dmn replay`: localize a recorded drive without ROS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm
from tyro.conf import Positional

from dmn_core.data.bag_map import MappingSettings
from dmn_core.data.replay import QuerySettings, Replay, replay
from dmn_core.data.result_bag import ResultBagWriter
from dmn_core.data.trajectory_io import write_tum
from dmn_core.robot import RobotSettings, load_localizer
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class ReplayCommand:
    """Map a context bag, localize along a query bag, and write what came of it.

    `--out` gets a result bag, the trajectory as TUM text (and the truth, where the bag has it) for
    `evo_ape tum truth.tum pose.tum`, and figures of the belief over time.
    """

    context: Positional[Path]
    """Context bag, or a map file (.safetensors)."""
    query: Positional[Path]
    """Query bag: images and odometry; truth where it is known."""
    out: Path = Path("results/replay")
    """Folder of the results; must not hold an older result bag."""
    weights: str = ""
    """Weights file; the shipped ones if empty."""
    device: str = "auto"
    """auto, cuda or cpu."""
    robot: RobotSettings = field(default_factory=RobotSettings)
    mapping: MappingSettings = field(default_factory=MappingSettings)
    reading: QuerySettings = field(default_factory=QuerySettings)

    def run(self) -> None:
        """Carry out the command."""
        localizer = load_localizer(
            find_weights(self.weights), device=self.device, settings=self.robot.filter
        )
        with tqdm(unit="image") as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            result = replay(
                self.context,
                self.query,
                localizer=localizer,
                robot=self.robot,
                mapping=self.mapping,
                reading=self.reading,
                progress=progress,
            )
        write_results(self.out, result)


def write_results(out: Path, result: Replay) -> None:
    """Result bag, TUM trajectories and figures of a replay."""
    out.mkdir(parents=True, exist_ok=True)
    truth = result.recording.truth
    with ResultBagWriter(out / "bag") as bag:
        for fix in result.fixes:
            known = truth is not None and truth.covers(fix.stamp_ns)
            bag.write(
                fix.stamp_ns,
                pose=fix.pose_map_base,
                covariance=fix.covariance,
                particles=fix.particles_map_base,
                weights=fix.weights,
                truth=truth.at(fix.stamp_ns) if truth is not None and known else None,
                pose_map_odom=fix.pose_map_odom,
            )
    stamps = np.array([fix.stamp_ns for fix in result.fixes], dtype=np.int64)
    write_tum(out / "pose.tum", stamps, np.array([fix.pose_map_base for fix in result.fixes]))
    if truth is not None:
        write_tum(out / "truth.tum", truth.stamps_ns, truth.poses)
