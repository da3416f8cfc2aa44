"""The networks exactly as their tables read, layer after layer, for every particle and view.

The image features are computed once; for every particle and view the table is applied whole. Slow
and obvious; the product's factored arithmetic is compared with it. Poses and layers are
written out here on their own: nothing of `dmn_core` is used but the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

TABLE = {
    "cnn1": ["32-2-2-relu", "32-3-1-relu", "64-2-2-relu", "64-3-1-relu"],
    "cnn2": ["64-3-1-relu", "32-3-1-lin"],
    "stem": ["32-2-2-relu", "32-3-1-relu", "64-2-2-relu"],
    "cnn3": ["32-3-1-relu", "64-3-1-relu", "32-3-1-lin"],
    "cnn4": ["128-3-1-relu", "64-3-1-relu"],
    "cnn5": ["64-3-1-relu", "128-3-1-relu", "64-3-1-relu"],
    "cnn6": ["64-3-1-relu", "64-3-1-relu", "64-3-1-relu"],
    "latent_image": ["128-3-1-relu", "128-3-1-relu", "64-3-1-relu"],
    "latent_vector": ["64-3-1-relu", "64-3-1-relu"],
}
PREFIX = {
    "cnn1": "view_encoder.cnn1",
    "cnn2": "attention.cnn2",
    "stem": "query_stem",
    "cnn3": "cnn3",
    "cnn4": "cnn4",
    "cnn5": "cnn5",
    "cnn6": "cnn6",
    "latent_image": "map_encoder.cnn",
    "latent_vector": "map_encoder.cnn",
}


class LiteralNetwork:
    """The view-embedding network: reads the weights of a product network and applies the table."""

    def __init__(
        self,
        weights: dict[str, Tensor],
        *,
        attention: str,
        egocentric: bool,
        scale: float,
        final_relu: bool = False,
    ) -> None:
        self.weights = weights
        self.attention = attention
        self.egocentric = egocentric
        self.scale = scale
        self.final_relu = final_relu

    def stack(self, name: str, x: Tensor) -> Tensor:
        for i, notation in enumerate(TABLE[name]):
            filters, kernel, stride, activation = notation.split("-")
            weight = self.weights[f"{PREFIX[name]}.layers.{i}.weight"]
            bias = self.weights[f"{PREFIX[name]}.layers.{i}.bias"]
            assert weight.shape[0] == int(filters) and weight.shape[2] == int(kernel)
            padding = 1 if (kernel, stride) == ("3", "1") else 0
            x = F.conv2d(x, weight, bias, stride=int(stride), padding=padding)
            if activation == "relu":
                x = torch.relu(x)
        return x

    def prepared(
        self, contexts: Tensor, viewpoints: Tensor, query: Tensor
    ) -> Callable[[Tensor], Tensor]:
        """The network with the image features kept: particles (K, 3) -> log-likelihoods (K,).

        With the weights of regression, poses (K, 3) found from those of the particles.
        """
        stem = self.stack("stem", query[None])
        query_features = self.stack("cnn5", stem)
        query_key = None if self.attention == "mean" else self.stack("cnn3", stem)
        views = [self.stack("cnn1", image[None]) for image in contexts]
        values = [self.stack("cnn4", view) for view in views]

        def log_likelihoods(particles: Tensor) -> Tensor:
            count = len(particles)
            keys = []
            for view, viewpoint in zip(views, viewpoints, strict=True):
                seen = [
                    self.seen_from(viewpoint, particle) if self.egocentric else viewpoint
                    for particle in particles
                ]
                tiled = torch.cat([self.tile(pose, view) for pose in seen])
                image = view.expand(count, *view.shape[1:])
                keys.append(self.stack("cnn2", torch.cat((image, tiled), dim=1)))
            lambdas = self.lambdas(keys, query_key)[:, :, None, None, None]
            value = sum(weight * item for weight, item in zip(lambdas, values, strict=True))
            key = sum(weight * item for weight, item in zip(lambdas, keys, strict=True))
            features = query_features.expand(count, *query_features.shape[1:])
            compared = [value, key, features]
            if not self.egocentric:
                compared.append(torch.cat([self.tile(pose, features) for pose in particles]))
            compared = self.stack("cnn6", torch.cat(compared, dim=1))
            return self.head(self.flat(compared), particles)

        return log_likelihoods

    def dense(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    @staticmethod
    def flat(images: Tensor) -> Tensor:
        return images.permute(0, 2, 3, 1).flatten(1)

    def head(self, x: Tensor, particles: Tensor) -> Tensor:
        y = self.dense("fc1.output", torch.relu(self.dense("fc1.hidden", x)))
        if y.shape[1] == 3:
            return torch.stack([self.moved(p, dxya) for p, dxya in zip(particles, y, strict=True)])
        return torch.relu(y[:, 0]) if self.final_relu else y[:, 0]

    def moved(self, particle: Tensor, change: Tensor) -> Tensor:
        """Go `change` ahead and to the left as the particle sees it, then turn."""
        dx, dy = self.scale * change[0], self.scale * change[1]
        c, s = torch.cos(particle[2]), torch.sin(particle[2])
        x, y = particle[0] + c * dx - s * dy, particle[1] + s * dx + c * dy
        yaw = particle[2] + change[2]
        return torch.stack((x, y, torch.atan2(torch.sin(yaw), torch.cos(yaw))))

    def lambdas(self, keys: list[Tensor], query_key: Tensor | None) -> Tensor:
        if query_key is None:
            return torch.full((len(keys), len(keys[0])), 1 / len(keys), dtype=keys[0].dtype)
        products = torch.stack(
            [(key * query_key).sum((1, 2, 3)) / math.sqrt(key[0].numel()) for key in keys]
        )
        return torch.softmax(products, dim=0) if self.attention == "softmax" else products

    def tile(self, pose: Tensor, like: Tensor) -> Tensor:
        numbers = [
            pose[0] / self.scale,
            pose[1] / self.scale,
            torch.sin(pose[2]),
            torch.cos(pose[2]),
        ]
        return torch.stack(numbers)[None, :, None, None].expand(1, 4, *like.shape[-2:])

    @staticmethod
    def seen_from(viewpoint: Tensor, particle: Tensor) -> Tensor:
        dx, dy = viewpoint[0] - particle[0], viewpoint[1] - particle[1]
        c, s = torch.cos(particle[2]), torch.sin(particle[2])
        return torch.stack((c * dx + s * dy, c * dy - s * dx, viewpoint[2] - particle[2]))


class LiteralLatentImage(LiteralNetwork):
    """All contexts averaged into one image, beside which every particle puts query and pose."""

    def prepared(
        self, contexts: Tensor, viewpoints: Tensor, query: Tensor
    ) -> Callable[[Tensor], Tensor]:
        features = self.stack("cnn5", self.stack("stem", query[None]))
        placed = [
            self.stack("latent_image", self.placed(image, viewpoint))
            for image, viewpoint in zip(contexts, viewpoints, strict=True)
        ]
        latent = sum(placed) / len(placed)

        def answers(particles: Tensor) -> Tensor:
            compared = [
                torch.cat((latent, features, self.tile(pose, features)), dim=1)
                for pose in particles
            ]
            return self.head(self.flat(self.stack("cnn6", torch.cat(compared))), particles)

        return answers

    def placed(self, image: Tensor, viewpoint: Tensor) -> Tensor:
        """Embedding of a context image with its viewpoint beside it."""
        view = self.stack("cnn1", image[None])
        return torch.cat((view, self.tile(viewpoint, view)), dim=1)


class LiteralLatentVector(LiteralLatentImage):
    """All contexts averaged into one vector, beside which every particle puts query and pose."""

    def prepared(
        self, contexts: Tensor, viewpoints: Tensor, query: Tensor
    ) -> Callable[[Tensor], Tensor]:
        features = self.stack("cnn5", self.stack("stem", query[None]))
        seen = torch.relu(self.dense("query_dense", self.flat(features)))
        placed = [
            self.flat(self.stack("latent_vector", self.placed(image, viewpoint)))
            for image, viewpoint in zip(contexts, viewpoints, strict=True)
        ]
        vectors = [torch.relu(self.dense("map_encoder.dense", x)) for x in placed]
        latent = sum(vectors) / len(vectors)

        def answers(particles: Tensor) -> Tensor:
            compared = [
                torch.cat((latent, seen, self.tile(pose, features)[:, :, 0, 0]), dim=1)
                for pose in particles
            ]
            return self.head(torch.relu(self.dense("compared", torch.cat(compared))), particles)

        return answers


LITERAL = {
    "view_embedding": LiteralNetwork,
    "latent_image": LiteralLatentImage,
    "latent_vector": LiteralLatentVector,
}
