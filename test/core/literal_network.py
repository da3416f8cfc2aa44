"""The network exactly as the paper's table reads, layer after layer, for every particle and view.

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
}
PREFIX = {
    "cnn1": "view_encoder.cnn1",
    "cnn2": "attention.cnn2",
    "stem": "query_stem",
    "cnn3": "cnn3",
    "cnn4": "cnn4",
    "cnn5": "cnn5",
    "cnn6": "cnn6",
}


class LiteralNetwork:
    """Reads the weights of a product network by name and applies the table."""

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
        """The network with the image features kept: particles (K, 3) -> (K,), each view in turn."""
        stem = self.stack("stem", query[None])
        query_key, query_features = self.stack("cnn3", stem), self.stack("cnn5", stem)
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
            products = torch.stack(
                [(key * query_key).sum((1, 2, 3)) / math.sqrt(key[0].numel()) for key in keys]
            )
            lambdas = self.lambdas(products)[:, :, None, None, None]
            value = sum(weight * item for weight, item in zip(lambdas, values, strict=True))
            key = sum(weight * item for weight, item in zip(lambdas, keys, strict=True))
            features = query_features.expand(count, *query_features.shape[1:])
            compared = [value, key, features]
            if not self.egocentric:
                compared.append(torch.cat([self.tile(pose, features) for pose in particles]))
            return self.head(self.stack("cnn6", torch.cat(compared, dim=1)))

        return log_likelihoods

    def head(self, x: Tensor) -> Tensor:
        w = self.weights
        x = x.permute(0, 2, 3, 1).flatten(1)
        x = torch.relu(F.linear(x, w["fc1.hidden.weight"], w["fc1.hidden.bias"]))
        y = F.linear(x, w["fc1.output.weight"], w["fc1.output.bias"])[:, 0]
        return torch.relu(y) if self.final_relu else y

    def lambdas(self, products: Tensor) -> Tensor:
        if self.attention == "softmax":
            return torch.softmax(products, dim=0)
        if self.attention == "scalar_product":
            return products
        return torch.full_like(products, 1 / len(products))

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
