"""Training steps a second on a CPU: half precision, and memory that is kept, as ratios in one run.

    python benchmarks/training_speed.py [--steps 20] [--threads 1]

Each way runs in a process of its own, on images of noise: nothing is learned, and the work is that
of the recipe `shipped`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro

from dmn_core.data.episode import PAPER_AREA_M, EnvironmentSet
from dmn_core.training import processes
from dmn_core.training.loop import Trainer
from dmn_core.training.recipes import SHIPPED

Precision = Literal["32-true", "bf16-mixed"]
WAYS: tuple[tuple[Precision, bool], ...] = (
    ("32-true", False),
    ("32-true", True),
    ("bf16-mixed", False),
    ("bf16-mixed", True),
)


@dataclass(frozen=True)
class Settings:
    """Benchmark of training on a CPU."""

    steps: int = 20
    threads: int = 1
    one_way: tuple[Precision, bool] | None = None
    """Measure this one only, and print its seconds a step as JSON."""


def noise(places: int, seed: int) -> EnvironmentSet:
    """Places whose views show nothing."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (places, 40, 32, 32, 3), dtype=np.uint8)
    poses = rng.uniform(-20, 20, (places, 40, 3)).astype(np.float32)
    return EnvironmentSet.regular(images, poses, PAPER_AREA_M)


def seconds_of_a_step(precision: Precision, keeps_memory: bool, steps: int) -> float:
    """Mean over steps, after a few that do not count."""
    if not keeps_memory:
        processes.keep_freed_memory = lambda: False
    config = replace(
        SHIPPED, precision=precision, max_steps=steps, accelerator="cpu", contexts_max=0, contexts=4
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            config, training=noise(64, 0), validation=noise(16, 1), folder=Path(folder)
        )
        for _ in range(3):
            trainer._step(0.5)
        begin = time.perf_counter()
        for _ in range(steps):
            trainer._step(0.5)
        return (time.perf_counter() - begin) / steps


def main(settings: Settings) -> None:
    """Print a Markdown table."""
    torch.set_num_threads(settings.threads)
    if settings.one_way is not None:
        print(json.dumps(seconds_of_a_step(*settings.one_way, settings.steps)))
        return
    print(f"torch {torch.__version__}, {settings.threads} threads, {settings.steps} steps")
    print("| precision | freed memory | steps/s | ratio |")
    print("|---|---|---|---|")
    slowest = None
    for precision, keeps in WAYS:
        command = [sys.executable, __file__, "--threads", str(settings.threads)]
        command += ["--steps", str(settings.steps), "--one-way", precision, str(keeps)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds = float(json.loads(told.splitlines()[-1]))
        slowest = slowest or seconds
        memory = "kept" if keeps else "given back"
        print(f"| {precision} | {memory} | {1 / seconds:.2f} | {slowest / seconds:.2f} |")


if __name__ == "__main__":
    main(tyro.cli(Settings))
