"""The benchmark of the recipe's parts: all compare as many samples, and it runs to its record."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import recipe_parts
from dmn_core.config import to_dict
from dmn_core.data.episode import PAPER_AREA_M, EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.training.loop import Trainer


def test_every_part_compares_as_many_samples():
    settings = recipe_parts.Settings(samples=9600)
    configs = [config for _, config in recipe_parts.recipes(settings)]
    assert len(configs) >= 9
    for config in configs:
        assert config.max_steps * config.batch * config.compared == 9600
    assert {config.queries / config.compared for config in configs} >= {1, 2}  # but draw others


def test_schedule_and_average_are_parts_of_their_own():
    settings = recipe_parts.Settings()
    assert (settings.samples, settings.queries) == (32_000, 5000)
    configs = {part: to_dict(config) for part, config in recipe_parts.recipes(settings)}
    names = ["8 queries of a map, of which 4 are compared", "schedule with warm-up, and clipping"]
    before, scheduled, averaged = (configs[name] for name in (*names, "averaged weights"))
    assert differing(before, scheduled) == {"schedule", "warmup_steps", "gradient_clip"}
    assert differing(scheduled, averaged) == {"weight_average"}


def differing(one, other):
    return {name for name in one if one[name] != other[name]}


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


@pytest.fixture
def settings(few_places, tmp_path):
    return recipe_parts.Settings(
        samples=64, queries=1, runs=tmp_path / "runs", out=tmp_path / "record.json"
    )


def recorded(settings):
    return json.loads(settings.out.read_text())["runs"]


def test_the_benchmark_writes_what_each_run_came_to(settings, capsys):
    recipe_parts.main(settings)
    runs = recorded(settings)
    assert [(run["compared"], run["drawn"]) for run in runs] == [(64, 64), (64, 128)]
    assert all(math.isfinite(run[name]) for run in runs for name in recipe_parts.MEASURES)
    assert all(run["part"] in capsys.readouterr().out for run in runs[:1])


def test_it_goes_on_where_it_was_broken_off(settings, monkeypatch):
    measured, calls = recipe_parts.measured, []

    def broken_off(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measured(*arguments)

    monkeypatch.setattr(recipe_parts, "measured", broken_off)
    with pytest.raises(KeyboardInterrupt):
        recipe_parts.main(settings)
    first = recorded(settings)
    assert len(first) == 1
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", lambda *_: pytest.fail("trained again"))
        recipe_parts.main(settings)
    assert recorded(settings)[:1] == first and len(recorded(settings)) == 2
    assert len(calls) == 3, "what was measured is not measured again"
    with pytest.raises(ConfigurationError, match="--runs wants a folder of these settings"):
        recipe_parts.main(replace(settings, samples=128))
