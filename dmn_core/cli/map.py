"""Command `dmn map`: a view-embedding map from a context bag."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import Positional

from dmn_core.data.bag_map import MappingSettings, map_from_bag
from dmn_core.map_file import save_map
from dmn_core.robot import load_localizer
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class MapCommand:
    """Build a map of a context bag and save it as a map file."""

    context: Positional[Path]
    """Context bag: images, and poses in the map frame."""
    out: Path = Path("results/map.safetensors")
    """Map file to write."""
    weights: str = ""
    """Weights file; the shipped ones if empty."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    mapping: MappingSettings = field(default_factory=MappingSettings)

    def run(self) -> None:
        """Carry out the command."""
        localizer = load_localizer(find_weights(self.weights), device=self.device)
        view_map = map_from_bag(localizer, self.context, self.mapping)
        save_map(self.out, view_map)
        print(f"{self.out}: {view_map.n_views} views, area {view_map.area_m} m")
