"""The benchmark of the recipe's parts: all compare as many samples, and it runs to its record."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import recipe_parts
from dmn_core.data.episode import PAPER_AREA_M, EnvironmentSet


def test_every_part_compares_as_many_samples():
    settings = recipe_parts.Settings(samples=9600)
    configs = [config for _, config in recipe_parts.recipes(settings)]
    assert len(configs) >= 9
    for config in configs:
        assert config.max_steps * config.batch * config.compared == 9600
    assert {config.queries / config.compared for config in configs} >= {1, 2}  # but draw others


@pytest.fixture
def few_places(monkeypatch):
    """Places of random pixels in place of rendered mazes, and two parts of the recipe."""
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (2, 14, 3)).astype(np.float32)
    images = rng.integers(0, 255, (2, 14, 32, 32, 3), dtype=np.uint8)
    places = EnvironmentSet.regular(images, poses, PAPER_AREA_M)
    monkeypatch.setattr(recipe_parts, "environments_of", lambda config: (places, places))
    every = recipe_parts.recipes

    def two(settings):
        for part, config in [*every(settings)][:4:3]:
            yield part, replace(config, validation_samples=1)

    monkeypatch.setattr(recipe_parts, "recipes", two)


def test_the_benchmark_writes_what_each_run_came_to(few_places, tmp_path, capsys):
    settings = recipe_parts.Settings(
        samples=64, queries=1, runs=tmp_path / "runs", out=tmp_path / "record.json"
    )
    recipe_parts.main(settings)
    runs = json.loads((tmp_path / "record.json").read_text())["runs"]
    assert [(run["compared"], run["drawn"]) for run in runs] == [(64, 64), (64, 128)]
    assert all(math.isfinite(run[name]) for run in runs for name in recipe_parts.MEASURES)
    assert all(run["part"] in capsys.readouterr().out for run in runs[:1])
