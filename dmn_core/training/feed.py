"""What every micro-batch of a run is made of: a function of seed, step and number alone.

So a run resumes exactly by its number of steps, and any number of processes draws the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.training.augmentation import augment
from dmn_core.training.config import TrainingConfig

SHARE_OF_FREE_MEMORY = 0.5


@dataclass(frozen=True)
class MicroBatch:
    """Episodes, and the generator of everything else that is random about them."""

    episodes: Episodes
    generator: torch.Generator


def placed(environments: EnvironmentSet, device: torch.device) -> EnvironmentSet:
    """The environments with their images on the device, where there is room for them."""
    if device.type != "cuda" or environments.images.device == device:
        return environments
    free, _ = torch.cuda.mem_get_info(device)
    fits = environments.images.nbytes < SHARE_OF_FREE_MEMORY * free
    return environments.to(device) if fits else environments


def draw(
    environments: EnvironmentSet,
    config: TrainingConfig,
    key: tuple[int, ...],
    device: torch.device,
) -> MicroBatch:
    """The micro-batch of a key: seed, step and number."""
    rng = np.random.default_rng(key)
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    contexts = config.contexts
    if config.contexts_max > contexts:
        contexts = int(rng.integers(contexts, config.contexts_max + 1))
    episodes = draw_episodes(
        environments,
        batch=config.batch,
        contexts=contexts,
        queries=config.queries,
        far_contexts=config.far_contexts,
        rng=rng,
        device=environments.images.device,
    )
    return MicroBatch(_on(device, episodes), generator)


class Feed:
    """Training micro-batches in their order, and how long the training waited for them.

    Where images are too many for the device, the next micro-batch is assembled and sent while the
    device works on this one.
    """

    def __init__(
        self, environments: EnvironmentSet, config: TrainingConfig, device: torch.device
    ) -> None:
        """`device` is where the micro-batches are wanted."""
        self._environments = placed(environments, device)
        self._config, self._device = config, device
        self._ahead: dict[tuple[int, int], Future[MicroBatch]] = {}
        from_host = device.type != "cpu" and self._environments.images.device.type == "cpu"
        self._thread = ThreadPoolExecutor(1) if from_host else None
        self.waited_s = 0.0

    def step(self, step: int, numbers: range) -> Iterable[MicroBatch]:
        """The micro-batches of a step with these numbers."""
        for number, following in zip(
            numbers, [*((step, n) for n in numbers[1:]), (step + 1, numbers[0])], strict=True
        ):
            begin = time.monotonic()
            drawn = self._take((step, number), following)
            augmented = augment(drawn.episodes, self._config.augmentation, drawn.generator)
            self.waited_s += time.monotonic() - begin
            yield replace(drawn, episodes=augmented)

    def _take(self, at: tuple[int, int], following: tuple[int, int]) -> MicroBatch:
        if self._thread is None:
            return self._draw(at)
        waiting = self._ahead.pop(at, None)
        taken = waiting.result() if waiting else self._draw(at)
        self._ahead = {following: self._thread.submit(self._draw, following)}
        return taken

    def _draw(self, at: tuple[int, int]) -> MicroBatch:
        key = (self._config.seed, *at)
        return draw(self._environments, self._config, key, self._device)


def _on(device: torch.device, episodes: Episodes) -> Episodes:
    """The episodes on the device; from pinned memory it fetches them while it works."""
    if episodes.query_images.device == device:
        return episodes
    sent = {}
    for name in ("context_images", "context_poses", "query_images", "query_poses"):
        part = getattr(episodes, name)
        part = part.pin_memory() if device.type == "cuda" else part
        sent[name] = part.to(device, non_blocking=True)
    return replace(episodes, **sent)
