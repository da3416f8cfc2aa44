"""One image in one map, asked about poses of the robot: what a step of the filter is given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dmn_core.geometry import compose
from dmn_core.observation import EncodedQuery, LocalizationNetwork, PreparedMap
from dmn_core.particle_filter import Elsewhere, uniform_belief
from dmn_core.views import Area


@dataclass(frozen=True)
class ImageAtPoses:
    """An image, a map and a camera on a robot.

    Attributes:
        network: that compares.
        prepared: the map.
        query: the image.
        pose_base_camera: (3,) planar pose of the camera on the robot.
        precision: the context to compute in.
    """

    network: LocalizationNetwork
    prepared: PreparedMap
    query: EncodedQuery
    pose_base_camera: Tensor
    precision: Callable[[], AbstractContextManager[Any]]

    def log_likelihood(self, poses_map_base: Tensor) -> Tensor:
        """Log-likelihood (B, K) of the image at poses (B, K, 3), up to a constant per row."""
        poses_map_camera = compose(poses_map_base, self.pose_base_camera)
        with self.precision():
            told = self.network.log_likelihood(self.prepared, self.query, poses_map_camera)
        return told.float()

    def view_score(self, poses_map_base: Tensor) -> Tensor:
        """Attention score (B, K) of the view that suits the image best at poses (B, K, 3).

        It takes neither the convolution nor the comparison that a likelihood takes for every pose.
        """
        poses = compose(poses_map_base, self.pose_base_camera)

        def best(part: Tensor) -> Tensor:
            scores = self.network.attention_scores(self.prepared, self.query, part)
            return scores.squeeze(1).amax(-1)

        with self.precision():
            return self.prepared.in_chunks(poses, best).float()

    def elsewhere(self, area_m: Area | None, generator: torch.Generator) -> Elsewhere | None:
        """Places over an area, scored where the network attends to views; None without an area."""
        if area_m is None:
            return None
        batch = len(self.prepared.poses_map_camera)

        def draw(count: int) -> Tensor:
            even = uniform_belief(area_m, batch=batch, particles=count, generator=generator)
            return even.poses_map_base

        return Elsewhere(draw, self.view_score if self.network.config.attends_to_views else None)
