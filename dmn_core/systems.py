"""Every system of the paper's tables that learns, listed once.

What is listed here can be trained, evaluated and counted by its name, and is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from dmn_core.attention import AttentionWeights
from dmn_core.errors import ConfigurationError
from dmn_core.observation import HeadName, MapName, NetworkConfig, build_network


@dataclass(frozen=True)
class System:
    """A row of the paper's tables.

    Attributes:
        name: what commands and files call it.
        title: what the paper calls the map and how it localizes.
        tables: of the paper in which it has a row; a system of ours has one there without a number
            of the paper.
        map, head, attention, egocentric: as in `NetworkConfig`.
        objective: what it is trained for: `likelihood` of poses, or `regression` of a pose.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    map: MapName
    head: HeadName = "likelihood"
    attention: AttentionWeights = "softmax"
    egocentric: bool = True
    objective: Literal["likelihood", "regression"] = "likelihood"

    @property
    def algorithm(self) -> str:
        """How it localizes."""
        return "particle filter" if self.head == "likelihood" else "regression"


COMPARED = ("I", "II", "III")
ABLATED = ("VI",)


def _regression(name: str, title: str, kind: MapName) -> System:
    return System(name, title, COMPARED, kind, head="pose", objective="regression")


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System("dmn", "view-embedding map, PF (DMN)", COMPARED + ABLATED, "view_embedding"),
        _regression(
            "view-embedding-regression", "view-embedding map, regression", "view_embedding"
        ),
        System("latent-image", "latent image map, PF", COMPARED, "latent_image"),
        _regression("latent-image-regression", "latent image map, regression", "latent_image"),
        System("latent-vector", "latent vector map, PF", COMPARED, "latent_vector"),
        _regression("latent-vector-regression", "latent vector map, regression", "latent_vector"),
        System(
            "dmn-no-attention",
            "DMN without attention",
            ABLATED,
            "view_embedding",
            attention="mean",
        ),
        System(
            "dmn-no-egocentric",
            "DMN without egocentric view",
            ABLATED,
            "view_embedding",
            egocentric=False,
        ),
        System(
            "dmn-no-attention-no-egocentric",
            "DMN without both",
            ABLATED,
            "view_embedding",
            attention="mean",
            egocentric=False,
        ),
    )
}

# What a command may be told.
if TYPE_CHECKING:
    SystemName: TypeAlias = str
else:
    SystemName = Literal[tuple(SYSTEMS)]


def network_of(
    name: str, image_size: tuple[int, int] = (32, 32), base: NetworkConfig | None = None
) -> NetworkConfig:
    """The network of a system for images of height and width [pixels].

    Args:
        name: in `SYSTEMS`.
        image_size: height and width [pixels].
        base: what the system does not decide; where it has a way to attend of its own, systems
            with attention take it.

    Raises:
        ConfigurationError: there is no such system.
    """
    if name not in SYSTEMS:
        raise ConfigurationError(f"system wants one of {sorted(SYSTEMS)!r}, got {name!r}")
    system, base = SYSTEMS[name], base or NetworkConfig()
    attends = system.attention != "mean" and base.attention != "mean"
    return replace(
        base,
        image_height=image_size[0],
        image_width=image_size[1],
        map=system.map,
        head=system.head,
        attention=base.attention if attends else system.attention,
        egocentric=system.egocentric,
    )


def parameters_of(
    name: str, image_size: tuple[int, int] = (32, 32), base: NetworkConfig | None = None
) -> int:
    """How many parameters a system has, counted without memory for them."""
    with torch.device("meta"):
        network = build_network(network_of(name, image_size, base))
    return sum(parameter.numel() for parameter in network.parameters())
