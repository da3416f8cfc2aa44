"""What is evaluated: networks with their filter or regression, and baselines, by one contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from dmn_core.calibration import DEFAULT_SUCCESS_M
from dmn_core.data.episode import Episodes
from dmn_core.evaluation.trials import Estimate
from dmn_core.networks import channels_last
from dmn_core.observation import EncodedQuery, LocalizationNetwork, PreparedMap
from dmn_core.particle_filter import Belief, FilterSettings, step
from dmn_core.particle_filter.estimate import heaviest_particle, likeliest_place, weighted_mean
from dmn_core.regression import RegressionLocalizer
from dmn_core.robot import PRECISIONS, Precision
from dmn_core.views import ViewMap, to_network_input

_ESTIMATES: dict[Estimate, Callable[[Belief], Tensor]] = {
    "mean": weighted_mean,
    "likeliest": partial(likeliest_place, within_m=DEFAULT_SUCCESS_M),
    "heaviest": heaviest_particle,
}


class Encoded(Protocol):
    """A batch of trials, as far as no belief enters."""

    def estimates(self, belief: Belief, kinds: Iterable[Estimate]) -> dict[Estimate, Tensor]:
        """Poses (B, T, 3) along the trials, of each kind, from a belief before the first image."""


class Algorithm(Protocol):
    """Something that localizes.

    Attributes:
        identity: of its results; equal for equal weights only.
        device: where it works.
    """

    @property
    def identity(self) -> str:  # noqa: D102
        ...

    @property
    def device(self) -> torch.device:  # noqa: D102
        ...

    def encode(self, episodes: Episodes) -> Encoded:
        """Do once for all tasks on the same trials what they share."""


@dataclass(frozen=True)
class NetworkAlgorithm:
    """A network with the paper's filter, or with regression, as its head wants.

    Attributes:
        network: in evaluation mode.
        fingerprint: of its weights.
        precision: of its convolutions; beliefs are float32.
    """

    network: LocalizationNetwork
    fingerprint: str = ""
    precision: Precision = "float32"

    @property
    def identity(self) -> str:
        """Weights and precision."""
        return f"weights {self.fingerprint}, {self.precision}"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def encode(self, episodes: Episodes) -> EncodedTrials:
        """Make the maps and encode every query image."""
        return EncodedTrials.of(channels_last(self.network), episodes, precision=self.precision)


@dataclass(frozen=True)
class EncodedTrials:
    """Maps and queries of a batch of trials, made once for every belief that is to be followed."""

    network: LocalizationNetwork
    episodes: Episodes
    prepared: PreparedMap
    queries: tuple[EncodedQuery, ...]
    precision: Precision

    @classmethod
    def of(
        cls, network: LocalizationNetwork, episodes: Episodes, *, precision: Precision = "float32"
    ) -> EncodedTrials:
        """Make the maps of B trials and encode their T query images."""
        with torch.inference_mode(), _autocast(episodes.query_poses.device, precision):
            embeddings = network.encode_views(to_network_input(episodes.context_images))
            prepared = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
            queries = tuple(
                network.encode_query(to_network_input(images)) for images, _ in along(episodes)
            )
        return cls(network, episodes, prepared, queries, precision)

    def estimates(self, belief: Belief, kinds: Iterable[Estimate]) -> dict[Estimate, Tensor]:
        """Poses (B, T, 3) of each kind, all of one pass of the filter.

        A network that regresses has one pose, and gives it for every kind.
        """
        kinds = tuple(kinds)
        if self.network.config.head == "pose":
            return dict.fromkeys(kinds, self._regressed(belief))
        poses: dict[Estimate, list[Tensor]] = {kind: [] for kind in kinds}
        for weighed in self.beliefs(belief):
            for kind in kinds:
                poses[kind].append(_ESTIMATES[kind](weighed))
        return {kind: torch.stack(along_trial, dim=1) for kind, along_trial in poses.items()}

    def beliefs(self, belief: Belief) -> Iterator[Belief]:
        """The paper's filter: the belief after each image."""
        unused = torch.Generator(belief.poses_map_base.device)
        for query, (_, odometry) in zip(self.queries, along(self.episodes), strict=True):
            with torch.inference_mode():
                result = step(
                    belief,
                    odometry,
                    lambda poses, query=query: self.log_likelihood(query, poses),  # type: ignore[misc]
                    settings=FilterSettings(),
                    generator=unused,
                )
            belief = result.belief
            yield result.weighed

    def log_likelihood(self, query: EncodedQuery, poses: Tensor) -> Tensor:
        """Log-likelihood (B, K) of an encoded query at poses (B, K, 3)."""
        with torch.inference_mode(), _autocast(poses.device, self.precision):
            return self.network.log_likelihood(self.prepared, query, poses).float()

    def _regressed(self, belief: Belief) -> Tensor:
        """Poses (B, T, 3), each regressed from the one before moved by odometry."""
        localizer = RegressionLocalizer(self.network, self.prepared)
        poses = [localizer.start(belief)]
        for query, (_, odometry) in zip(self.queries, along(self.episodes), strict=True):
            with torch.inference_mode(), _autocast(odometry.device, self.precision):
                poses.append(localizer.step(poses[-1], query, odometry))
        return torch.stack(poses[1:], dim=1)


def along(episodes: Episodes) -> Iterator[tuple[Tensor, Tensor]]:
    """Query images (B, H, W, 3) with the odometry (B, 3) that led there; the first did not move."""
    for t in range(episodes.query_poses.shape[1]):
        yield episodes.query_images[:, t], episodes.odometry(t)


def _autocast(device: torch.device, precision: Precision) -> torch.autocast:
    enabled = precision != "float32"
    return torch.autocast(device.type, dtype=PRECISIONS[precision], enabled=enabled)
