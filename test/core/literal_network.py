"""The network exactly as the paper's table reads, layer after layer, for every particle and view.

Slow and obvious; the product's factored arithmetic is compared with it. Poses and layers are
written out here on their own: nothing of `dmn_core` is used but the weights.
"""

from __future__ import annotations

import math

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

    def log_likelihood(
        self, contexts: Tensor, viewpoints: Tensor, query: Tensor, particle: Tensor
    ) -> Tensor:
        """One particle (3,): contexts (N, 3, H, W), viewpoints (N, 3), query (3, H, W)."""
        stem = self.stack("stem", query[None])
        query_key = self.stack("cnn3", stem)[0]
        query_features = self.stack("cnn5", stem)[0]
        products, keys, values = [], [], []
        for image, viewpoint in zip(contexts, viewpoints, strict=True):
            view = self.stack("cnn1", image[None])
            seen = self.seen_from(viewpoint, particle) if self.egocentric else viewpoint
            key = self.stack("cnn2", torch.cat((view, self.tile(seen, view)), dim=1))[0]
            products.append((key * query_key).sum() / math.sqrt(key.numel()))
            keys.append(key)
            values.append(self.stack("cnn4", view)[0])
        lambdas = self.lambdas(torch.stack(products))
        value = sum(weight * item for weight, item in zip(lambdas, values, strict=True))
        key = sum(weight * item for weight, item in zip(lambdas, keys, strict=True))
        compared = [value, key, query_features]
        if not self.egocentric:
            compared.append(self.tile(particle, query_features[None])[0])
        x = self.stack("cnn6", torch.cat(compared)[None])[0]
        x = x.permute(1, 2, 0).reshape(-1)
        x = torch.relu(
            F.linear(x, self.weights["fc1.hidden.weight"], self.weights["fc1.hidden.bias"])
        )
        y = F.linear(x, self.weights["fc1.output.weight"], self.weights["fc1.output.bias"])[0]
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
