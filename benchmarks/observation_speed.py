"""Factored against literal observation model: time per particle, as a ratio in one run.

    python benchmarks/observation_speed.py [--views 4 16] [--particles 64]

The literal network is the reference of the tests; its view embeddings, values and query features
are computed once, so that only the work per particle is compared.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dmn_core.networks import channels_last
from dmn_core.observation import ObservationModel
from dmn_core.views import ViewMap

LITERAL = Path(__file__).parents[1] / "test" / "core" / "literal_network.py"


@dataclass(frozen=True)
class Settings:
    """Benchmark of the observation model."""

    views: tuple[int, ...] = (4, 16)
    particles: int = 64
    repeats: int = 5


def literal_network(network: ObservationModel) -> Any:
    """The reference network of the tests with the weights of `network`."""
    spec = importlib.util.spec_from_file_location("literal_network", LITERAL)
    if spec is None or spec.loader is None:
        raise SystemExit(f"wanted the reference network at {LITERAL}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LiteralNetwork(
        dict(network.named_parameters()), attention="softmax", egocentric=True, scale=20.0
    )


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def flops(work: Callable[[], object]) -> int:
    """Multiplications and additions of convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def main(settings: Settings) -> None:
    """Print a Markdown table."""
    torch.manual_seed(0)
    network = channels_last(ObservationModel()).eval()
    reference = literal_network(network)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, K = {settings.particles}")
    print("| N | literal MFLOP/particle | factored | literal ms/particle | factored | ratio |")
    print("|---|---|---|---|---|---|")
    for views in settings.views:
        contexts, query = torch.rand(1, views, 3, 32, 32), torch.rand(1, 3, 32, 32)
        viewpoints, poses = torch.randn(1, views, 3) * 8, torch.randn(1, settings.particles, 3) * 8
        with torch.no_grad():
            view_map = ViewMap(network.encode_views(contexts), viewpoints)
            prepared, encoded = network.prepare_map(view_map), network.encode_query(query)
            literally = reference.prepared(contexts[0], viewpoints[0], query[0])

            def factored() -> Tensor:
                return network.log_likelihood(prepared, encoded, poses)  # noqa: B023

            def literal() -> Tensor:
                return literally(poses[0])  # noqa: B023

            work = [flops(literal), flops(factored)]
            seconds = [median_seconds(f, settings.repeats) for f in (literal, factored)]
        per = settings.particles
        print(
            f"| {views} | {work[0] / per / 1e6:.1f} | {work[1] / per / 1e6:.1f} "
            f"| {1e3 * seconds[0] / per:.2f} | {1e3 * seconds[1] / per:.2f} "
            f"| {seconds[0] / seconds[1]:.1f} |"
        )


if __name__ == "__main__":
    main(tyro.cli(Settings))
