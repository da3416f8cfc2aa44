"""What tests of commands share: data that is there at once, and ignorant weights for it."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.data.sources import SOURCES, Source
from dmn_core.observation import build_network
from dmn_core.systems import SYSTEMS, network_of

SIZE = (8, 8)
AREA = (-20.0, 20.0, -20.0, 20.0)
KINDS = ("rooms", "mazes", "streets")


def load(config, split, image_size):
    """Three places, or as many as are asked for, with 12 views and 5 far ones, of random pixels."""
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (3, 17, 3))
    images = rng.integers(0, 255, (3, 17, *image_size, 3), dtype=np.uint8)
    regular = EnvironmentSet.regular(images, poses.astype(np.float32), AREA, name=config.data)
    roles = np.full((3, 17), ViewRole.ANY, dtype=np.uint8)
    roles[:, 12:] = ViewRole.FAR
    places = replace(regular, roles=roles.reshape(-1))
    return places.first(config.environments or len(places))


@pytest.fixture
def tiny_data(monkeypatch):
    module = ModuleType("tiny_data")
    module.load = load
    monkeypatch.setitem(sys.modules, "tiny_data", module)
    for kind in KINDS:
        monkeypatch.setitem(SOURCES, kind, Source("tiny_data", SIZE, "tiny", far_views=True))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with fresh weights of every system for every kind of data."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    names = {
        **{name: name for name in SYSTEMS},
        "dmn-classification": "dmn",
        "dmn-n-1": "dmn",
        "dmn-environments-2": "dmn",
    }
    for name, system in names.items():
        network = build_network(network_of(system, SIZE))
        record = {"samples": 7}
        for kind in KINDS:
            run = folder / kind / name / "best.safetensors"
            path = run if kind == "rooms" else folder / kind / f"{name}.safetensors"
            save_checkpoint(path, network, record=record)
    return folder
