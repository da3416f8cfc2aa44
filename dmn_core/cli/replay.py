"""Command `dmn replay`: localize a recorded drive without ROS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm
from tyro.conf import Positional

from dmn_core.cli.console import Console
from dmn_core.data.bag_map import MappingSettings
from dmn_core.data.replay import QuerySettings, Replay, replay
from dmn_core.errors import BagError
from dmn_core.evaluation.replay_report import ReplayReport
from dmn_core.localization import Near
from dmn_core.robot import Precision, RobotSettings, doubts_of, load_localizer
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
    """Folder of the results; must not be there yet, so that no older result is lost."""
    weights: str = ""
    """Weights file; the shipped ones if empty."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    precision: Precision = "float32"
    """Of the network: float32 or bfloat16; the belief stays float32."""
    start: tuple[float, float, float] | None = None
    """Where the robot is at its first image: x [m], y [m], yaw [rad]; everywhere if not given."""
    start_std: tuple[float, float, float] = (0.5, 0.5, 0.26)
    """How sure that is: standard deviations of x [m], y [m], yaw [rad]."""
    robot: RobotSettings = field(default_factory=RobotSettings)
    mapping: MappingSettings = field(default_factory=MappingSettings)
    reading: QuerySettings = field(default_factory=QuerySettings)

    def run(self) -> None:
        """Carry out the command."""
        if self.out.exists():
            raise BagError(
                f"results want a new folder, {str(self.out)!r} exists: give another --out"
            )
        localizer = load_localizer(
            find_weights(self.weights),
            device=self.device,
            settings=self.robot.filter,
            precision=self.precision,
        )
        for doubt in doubts_of(localizer.calibration, self.robot):
            Console(stderr=True).print(f"warning: {doubt}")
        result = replay_with_bar(
            self.context,
            self.query,
            localizer=localizer,
            robot=self.robot,
            mapping=self.mapping,
            reading=self.reading,
            start=self._start(),
        )
        report = ReplayReport(result)
        for path in report.write(self.out):
            print(path)
        title = f"localization of {self.query} in a map of {self.context}"
        Console().print(report.table(title=title))

    def _start(self) -> Near | None:
        if self.start is None:
            return None
        x, y, yaw = (std**2 for std in self.start_std)
        covariance = ((x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, yaw))
        return Near(self.start, covariance, self.robot.particles)


def replay_with_bar(context: Path, query: Path, **how: Any) -> Replay:
    """`replay`, with its progress on the terminal."""
    with tqdm(unit="image") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return replay(context, query, progress=progress, **how)
