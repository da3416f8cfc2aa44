"""What every network can do, whatever its map: the contract of training, filter and regression."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from dmn_core.attention_blocks import BYTES_PER_FEATURE
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose
from dmn_core.mapping import ViewEncoder
from dmn_core.networks import LikelihoodHead, PoseHead
from dmn_core.observation.network_config import HeadName, NetworkConfig
from dmn_core.views import ViewMap

# Bytes of per-particle features held at once when no gradient is wanted. Of the view-embedding map
# a CPU takes 256 particles at once with 32x32 images; a GPU, which wants more to do, takes 4096,
# and 193 with panoramas. That is by arithmetic, not measured.
BYTES_PER_CHUNK = 2**24
BYTES_PER_CHUNK_ON_GPU = 2**28


@dataclass(frozen=True)
class PreparedMap(ABC):
    """A map with everything computed that no query and no particle changes.

    Attributes:
        poses_map_camera: (B, N, 3) viewpoints.
    """

    poses_map_camera: Tensor

    @property
    @abstractmethod
    def features_per_particle(self) -> int:
        """Floats of the largest intermediate result that one particle needs."""

    def in_chunks(self, poses: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """What a function gives for poses (B, K, 3), (B, K), asked in parts to bound the memory."""
        most_bytes = BYTES_PER_CHUNK if poses.device.type == "cpu" else BYTES_PER_CHUNK_ON_GPU
        of_each = BYTES_PER_FEATURE * self.features_per_particle * len(poses)
        chunk = max(1, most_bytes // of_each)
        return torch.cat([function(part) for part in poses.split(chunk, dim=1)], dim=1)

    def repeat(self: MapT, queries: int) -> MapT:
        """Every map `queries` times in a row: B maps for B T queries, T of each map."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{k: v.repeat_interleave(queries, 0) for k, v in parts.items()})


@dataclass(frozen=True)
class EncodedQuery:
    """A query image as the particles need it.

    Attributes:
        response: (B, ...) the part of the comparison's first layer that reads the query, with its
            bias.
    """

    response: Tensor


@dataclass(frozen=True)
class QueryKeys:
    """Query images as far as attention looks at them.

    Attributes:
        key: (B, ...) what views are compared with.
    """

    key: Tensor


MapT = TypeVar("MapT", bound=PreparedMap)
QueryT = TypeVar("QueryT", bound=EncodedQuery)


class LocalizationNetwork(nn.Module, ABC, Generic[MapT, QueryT]):
    """A network that compares a query image with a map at poses.

    A kind of map says how it is made of embeddings (`prepare_map`), how it sees a query
    (`encode_query`), and what a head reads of both at a pose (`comparison`). The view map of one
    embedding and viewpoint per context is what all of them start from and what is stored.
    """

    view_encoder: ViewEncoder
    fc1: LikelihoodHead | PoseHead

    def __init__(self, config: NetworkConfig) -> None:
        """Begin with CNN1, which all maps share; subclasses add the rest and end with `fc1`."""
        super().__init__()
        self.config = config
        self.view_encoder = ViewEncoder()

    def encode_views(self, images: Tensor) -> Tensor:
        """Context images (B, N, 3, H, W) in [-1, 1] -> embeddings (B, N, 64, H/4, W/4)."""
        embeddings: Tensor = self.view_encoder(images)
        return embeddings

    @abstractmethod
    def prepare_map(self, view_map: ViewMap) -> MapT:
        """Do once per map what no query changes."""

    def update_map(self, before: MapT, view_map: ViewMap, known: Sequence[int | None]) -> MapT:
        """What `prepare_map` gives, from an earlier map that shares views with this one.

        Args:
            before: the earlier map, prepared.
            view_map: the new one.
            known: (N) for each of its views the place in the earlier map, None for a new view.
        """
        return self.prepare_map(view_map)

    @abstractmethod
    def encode_query(self, images: Tensor) -> QueryT:
        """Do once per query image (B, 3, H, W) in [-1, 1] what no particle changes."""

    @abstractmethod
    def comparison(self, prepared: MapT, query: QueryT, poses: Tensor) -> Tensor:
        """What the head reads of map and query at poses (B, K, 3) [m, m, rad]: (B, K, F)."""

    def log_likelihood(self, prepared: MapT, query: QueryT, poses: Tensor) -> Tensor:
        """Unnormalised log-likelihood of the query image at poses (B, K, 3) [m, m, rad] -> (B, K).

        Without gradients the particles are worked through in chunks, which bounds the memory.

        Raises:
            ConfigurationError: the network regresses poses.
        """
        self._want_head("likelihood")
        if torch.is_grad_enabled():
            return self.fc1(self.comparison(prepared, query, poses))
        return prepared.in_chunks(
            poses, lambda part: self.fc1(self.comparison(prepared, query, part))
        )

    def regress(self, prepared: MapT, query: QueryT, pose: Tensor) -> Tensor:
        """Pose (B, 3) of the query image, found from a pose (B, 3) that is near it [m, m, rad].

        The network is that of one particle at the given pose; its three outputs are the motion
        from there, x and y in environment units, as seen from there.

        Raises:
            ConfigurationError: the network weighs particles.

        Source: paper section V-B.
        """
        self._want_head("pose")
        change = self.fc1(self.comparison(prepared, query, pose.unsqueeze(1))).squeeze(1)
        scale = self.config.environment_scale_m
        return compose(pose, change.to(pose.dtype) * pose.new_tensor([scale, scale, 1.0]))

    def query_keys(self, images: Tensor) -> QueryKeys:
        """Keys of query images (B, 3, H, W) in [-1, 1] that `attention_scores` is asked about.

        Raises:
            ConfigurationError: this network attends to no views.
        """
        raise self._attends_to_none()

    def attention_scores(self, prepared: MapT, query: QueryT | QueryKeys, poses: Tensor) -> Tensor:
        """How well each view matches each query at each pose, for networks that attend to views.

        B maps and particles (B, K, 3), and B T queries, T of each map in a row: (B, T, K, N).

        Raises:
            ConfigurationError: this network attends to no views.
        """
        raise self._attends_to_none()

    def _attends_to_none(self) -> ConfigurationError:
        return ConfigurationError(
            f"attention scores want a network that attends to views, got {self.config!r}: "
            "set attention_weight to 0 to train it"
        )

    def _new_head(self, features: int) -> LikelihoodHead | PoseHead:
        """FC1 of this network for comparisons of so many numbers."""
        if self.config.head == "pose":
            return PoseHead(features)
        return LikelihoodHead(features, final_relu=self.config.final_relu)

    def _want_head(self, head: HeadName) -> None:
        if self.config.head != head:
            method = {"likelihood": "a particle filter", "pose": "regression"}[head]
            raise ConfigurationError(
                f"{method} wants a network with head {head!r}, got {self.config.head!r}: "
                "use other weights"
            )
