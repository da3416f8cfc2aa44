"""What an image costs a robot: latency, processor, memory, against the number of particles.

    python benchmarks/localizer_load.py [--views 16] [--precision bfloat16] [--csv FILE]

The whole step of the robot's filter with the shipped weights, particles fixed in number, each
number in a process of its own. Images are of noise, which costs as much as others do.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro

from dmn_core.localization import Everywhere
from dmn_core.particle_filter import AdaptiveSize
from dmn_core.robot import ROBOT_FILTER, Precision, load_localizer
from dmn_core.views import Views
from dmn_core.weights import default_weights_path

AREA_M = (-20.0, 20.0, -20.0, 20.0)
FORWARD = np.array([0.3, 0.0, 0.05])


@dataclass(frozen=True)
class Settings:
    """Benchmark of a robot's localizer."""

    particles: tuple[int, ...] = (64, 256, 500, 1000, 2048, 5000, 10_000)
    views: int = 16
    images: int = 20
    threads: int = 0
    """CPU threads; 0 leaves the choice to torch."""
    precision: Precision = "float32"
    device: str = "auto"
    csv: Path | None = None
    """File that gets the table."""
    alone: bool = False
    """Measure the first number of particles in this process, and print it as JSON."""


@dataclass(frozen=True)
class Load:
    """Of one number of particles; CPU 100 % is one core, memory the process's largest."""

    particles: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    cpu_percent: float
    rss_mib: float
    vram_mib: float


def measure(settings: Settings) -> Load:
    """The load of the first number of particles."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    count = settings.particles[0]
    localizer = load_localizer(
        default_weights_path(),
        device=settings.device,
        settings=replace(ROBOT_FILTER, size=AdaptiveSize()),
        precision=settings.precision,
    )
    rng = np.random.default_rng(0)
    size = (localizer.network.config.image_height, localizer.network.config.image_width, 3)
    images = rng.integers(0, 256, (settings.views, *size), dtype=np.uint8)
    poses = rng.uniform(-20, 20, (settings.views, 3))
    localizer.use_map(localizer.build_map(Views(images, poses), area_m=AREA_M))
    random = localizer.generator(0)
    belief, before = localizer.start(Everywhere(particles=count), random), None
    seconds = []
    for number in range(settings.images + 2):
        if number == 2:  # the first ones load libraries
            used, began = time.process_time(), time.perf_counter()
        begin = time.perf_counter()
        step = localizer.step(belief, images[0], FORWARD, random, before=before)
        belief, before = step.belief, step.evidence
        float(step.pose_map_base.sum())  # wait for the device
        seconds.append(time.perf_counter() - begin)
    cpu = (time.process_time() - used) / (time.perf_counter() - began)
    milliseconds = 1e3 * np.array(seconds[2:])
    return Load(
        count,
        *(round(float(np.percentile(milliseconds, q)), 1) for q in (50, 95, 100)),
        cpu_percent=round(100 * cpu),
        rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        vram_mib=round(
            torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0
        ),
    )


def main(settings: Settings, arguments: list[str]) -> None:
    """Print a Markdown table, and write it as CSV."""
    if settings.alone:
        print(json.dumps(asdict(measure(settings))))
        return
    rows = []
    for count in settings.particles:
        command = [sys.executable, __file__, *arguments, "--alone", "--particles", str(count)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows.append(json.loads(told.splitlines()[-1]))
    print(f"torch {torch.__version__}, {settings.precision}, {settings.views} views")
    print(f"| {' | '.join(rows[0])} |")
    print("|---" * len(rows[0]) + "|")
    for row in rows:
        print(f"| {' | '.join(map(str, row.values()))} |")
    if settings.csv:
        with settings.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main(tyro.cli(Settings), sys.argv[1:])
