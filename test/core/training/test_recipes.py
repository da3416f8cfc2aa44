"""Recipes, and runs that differ in learning rate or seed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from dmn_core.cli.main import main
from dmn_core.cli.train import recipe_defaults
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import SOURCES
from dmn_core.errors import ConfigurationError
from dmn_core.systems import SYSTEMS
from dmn_core.training import recipes
from dmn_core.training.sweep import refuse_other_kind, train_all, variants


def test_the_papers_recipe_is_the_papers():
    paper = recipes.RECIPES["paper"]
    assert paper.objective.name == "tracking" and paper.objective.particles == 32
    assert (paper.contexts, paper.contexts_max) == (4, 0)
    assert (paper.validation_samples, paper.validate_every_steps) == (1000, 20_000)
    assert paper.patience_steps == 100_000
    assert (paper.warmup_steps, paper.gradient_clip, paper.weight_average) == (0, 0, 0)
    assert paper.schedule == "constant"
    paper.refuse_wrong_end()


@pytest.mark.parametrize("name", ["shipped", "shipped-sequences"])
def test_the_shipped_weights_are_made_for_images_that_others_rendered(name):
    recipe = recipes.RECIPES[name]
    assert recipe.data == "mazes-varied"
    # Colours, noise, blur, and an overlay over the lowest fifth.
    assert min(vars(recipe.augmentation).values()) > 0


@pytest.mark.parametrize(
    ("data", "decay"),
    [("mazes", 0.0), ("rooms", 0.0), ("gqn-mazes", 0.0), ("streets", 1e-4), ("streetlearn", 1e-4)],
)
def test_the_papers_weight_decay_is_for_street_view_only(data, decay):
    where = {"data": data, "root": "x" if SOURCES[data].needs else ""}
    assert recipes.fitted_to_system(replace(recipes.PAPER, **where)).weight_decay == decay
    for told in (0.0, 0.5):
        changed = replace(recipes.PAPER, **where, weight_decay=told)
        assert recipes.fitted_to_system(changed).weight_decay == told
    for name in set(recipes.RECIPES) - {"paper"}:
        config = replace(recipes.RECIPES[name], **where, views=0)
        assert recipes.fitted_to_system(config).weight_decay == 0
    with pytest.raises(ConfigurationError, match="-1 for the paper's, got -2"):
        replace(recipes.PAPER, weight_decay=-2.0)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_run_of_any_recipe_ends_where_nothing_is_said(name):
    config = recipe_defaults(["train", "--recipe", name]).config
    config.refuse_wrong_end()
    assert config.patience_steps >= 5 * config.validate_every_steps
    for limit in ("--minutes", "--max-steps", "--total-hours"):
        patience = recipe_defaults(["train", "--recipe", name, limit, "5"]).patience_steps
        assert patience == (config.patience_steps if name == "paper" else 0)


@pytest.mark.parametrize("arguments", [["--recipe", "paper"], ["--seed", "1", "--recipe=paper"]])
def test_a_named_recipe_gives_the_defaults_and_options_change_them(arguments):
    assert recipe_defaults(arguments).config == replace(recipes.PAPER, weight_decay=0.0)
    assert recipe_defaults(["--seed", "1"]).config == recipes.RECIPES["default"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_default_recipe_fits_every_system(small, tmp_path, system):
    """One step of each; what a system has no part for is left out."""
    fitted = recipes.fitted_to_system(small.config(system=system, max_steps=1))
    assert (fitted.objective.name == "regression") == system.endswith("regression")
    limits = {"pictures_every": 1, "validate_every_steps": 1, "max_steps": 1}
    made = small.run(tmp_path, system=system, objective=fitted.objective, **limits)
    assert made.steps == 1 and made.best_loss > 0
    # Processes could not average the gradients of a layer that takes no part.
    assert all(p.grad is not None for p in made.learner.parameters())


def sweep(small, folder, configs, losses, *, complete=True):
    """Train without training: the loss of each run is given."""
    trained = []

    def train_one(config, path):
        small.trainer(path, seed=config.seed, learning_rate=config.learning_rate)
        trained.append(path.name)
        return {"best_loss": losses[path.name], "seed": config.seed, "complete": complete}

    record = train_all(configs, train_one, folder=folder, fabric=Fabric(accelerator="cpu"))
    return trained, record


def test_a_grid_picks_the_best_rate_over_seeds_and_repeats_nothing(small, tmp_path):
    configs = variants(small.config(), learning_rates=(1e-3, 1e-4), seeds=(0, 1))
    losses = dict(zip(configs, (1.0, 2.0, 0.9, 2.5), strict=True))
    assert list(losses) == [
        "lr-0.001-seed-0",
        "lr-0.001-seed-1",
        "lr-0.0001-seed-0",
        "lr-0.0001-seed-1",
    ]
    trained, record = sweep(small, tmp_path, dict(list(configs.items())[:1]), losses)
    assert trained == ["lr-0.001-seed-0"]
    trained, record = sweep(small, tmp_path, configs, losses)
    assert trained == list(losses)[1:]
    assert record == json.loads((tmp_path / "grid.json").read_text())
    assert record["best"] == "lr-0.0001-seed-0" and record["best_learning_rate"] == 1e-3
    assert record["learning_rates"][0]["best_loss_spread"] == pytest.approx(0.5)
    assert sweep(small, tmp_path, configs, losses)[0] == []


def test_runs_that_a_time_box_ended_go_on(small, tmp_path):
    configs = variants(small.config(), learning_rates=(1e-3,), seeds=(0,))
    losses = dict.fromkeys(configs, 1.0)
    for complete, expected in ((False, list(losses)), (True, list(losses)), (True, [])):
        assert sweep(small, tmp_path, configs, losses, complete=complete)[0] == expected
    longer = {name: replace(config, max_steps=9) for name, config in configs.items()}
    assert sweep(small, tmp_path, longer, losses)[0] == list(losses)
    assert not list(tmp_path.glob("*.partial"))


def test_runs_of_other_seeds_stay_in_the_record(small, tmp_path):
    first, second, third = (
        variants(small.config(**changes), learning_rates=(), seeds=(seed,))
        for seed, changes in ((0, {}), (2, {}), (3, {"batch": 3}))
    )
    losses = {"seed-0": 1.0, "seed-2": 2.0, "seed-3": 3.0}
    sweep(small, tmp_path, first, losses)
    record = sweep(small, tmp_path, second, losses)[1]
    assert list(record["runs"]) == ["seed-0", "seed-2"] and record["best"] == "seed-0"
    # What was trained in another way does not compare.
    assert list(sweep(small, tmp_path, third, losses)[1]["runs"]) == ["seed-3"]


def test_a_single_run_and_several_do_not_share_a_folder(small, tmp_path):
    for kind in (True, False):
        refuse_other_kind(tmp_path / "new", several=kind)
    small.run(tmp_path / "one", max_steps=1)
    refuse_other_kind(tmp_path / "one", several=False)
    with pytest.raises(ConfigurationError, match="one' holds a single run, .*another --out"):
        refuse_other_kind(tmp_path / "one", several=True)
    begun = tmp_path / "several" / "seed-0"
    small.run(begun, max_steps=1)
    refuse_other_kind(begun.parent, several=True)
    with pytest.raises(ConfigurationError, match="several' holds several runs .*another --out"):
        refuse_other_kind(begun.parent, several=False)
    # Of several that all diverged before anything was kept, there is the record.
    (tmp_path / "diverged").mkdir()
    (tmp_path / "diverged" / "grid.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="holds several"):
        refuse_other_kind(tmp_path / "diverged", several=False)


def test_nothing_to_vary_is_no_grid(small):
    assert variants(small.config(), learning_rates=(), seeds=()) == {}


def test_a_grid_is_one_command(small, tmp_path, monkeypatch, capsys):
    outcomes = iter((2.0, 1.0))

    class Scripted:
        def __init__(self, config, **parts):
            self.folder = parts["folder"]

        def run(self):
            self.folder.mkdir()
            outcome = {"samples": 8, "hours": 0.0, "waiting_share": 0.25}
            return {**outcome, "best_loss": next(outcomes)}

    monkeypatch.setattr("dmn_core.training.loop.Trainer", Scripted)
    places = (small.environments(views=20), small.environments(views=20, seed=1))
    monkeypatch.setattr("dmn_core.cli.train.environments_of", lambda config: places)
    where = ["--out", str(tmp_path), "--accelerator", "cpu"]
    main(["train", *where, "--max-steps", "1", "--learning-rate-grid", "1e-3", "3e-4"])
    said = capsys.readouterr().out
    assert "25.0% of this call spent on waiting for data" in said
    assert "best of 2 runs" in said and "lr-0.0003, validation loss 1.0000" in said


def test_an_unknown_recipe_is_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--recipe", "secret"])
    error = capsys.readouterr().err
    assert "--recipe wants one of" in error and error.count("\n") == 1


def test_systems_without_attention_compare_as_many_queries_a_step():
    whole = recipes.fitted_to_system(recipes.DEFAULT)
    assert (whole.queries, whole.objective.compared_queries) == (8, 4)
    for system in ("latent-image", "dmn-no-attention", "view-embedding-regression"):
        fitted = recipes.fitted_to_system(replace(recipes.DEFAULT, system=system))
        compared = fitted.objective.compared_queries or fitted.queries
        assert compared == 4, system


@pytest.mark.parametrize("name", ["tracking", "classification"])
def test_objectives_without_an_attention_term_draw_no_idle_queries(name):
    objective = replace(recipes.DEFAULT.objective, name=name)
    config = recipes.fitted_to_system(replace(recipes.DEFAULT, objective=objective))
    assert (config.queries, config.objective.compared_queries) == (4, 0)


def test_episodes_are_as_long_as_the_places_of_the_data_allow():
    rooms = replace(recipes.DEFAULT, data="gqn-rooms-ring-camera", root="x", contexts_max=6)
    assert recipes.fitted_to_system(rooms).queries == 4  # of 10 frames a scene
    assert recipes.fitted_to_system(replace(recipes.DEFAULT, bag=("a",))).queries == 5
    mazes = replace(recipes.DEFAULT, data="gqn-mazes", root="x")
    assert recipes.fitted_to_system(mazes).queries == 8
    assert recipes.fitted_to_system(replace(mazes, views=6)).queries == 2
    rendered = replace(recipes.DEFAULT, data="rooms", contexts=16)
    assert recipes.fitted_to_system(rendered).queries == 4  # of 20 views a room
    assert recipes.fitted_to_system(replace(rendered, contexts=8)).queries == 8
    assert recipes.fitted_to_system(replace(rendered, views=18)).queries == 2
    assert recipes.fitted_to_system(replace(rendered, views=30)).queries == 8
    assert recipes.fitted_to_system(replace(rendered, data="mazes")).queries == 8


def test_maps_of_more_views_than_places_have_are_refused_with_what_to_do():
    rooms = replace(recipes.DEFAULT, data="rooms", contexts=20)
    with pytest.raises(ConfigurationError, match="20 contexts .*, they have 20: .*--views"):
        recipes.fitted_to_system(rooms)
    assert recipes.fitted_to_system(replace(rooms, views=21)).queries == 1
    published = replace(recipes.DEFAULT, data="gqn-rooms-ring-camera", root="x", contexts=16)
    with pytest.raises(ConfigurationError, match="they have 10: give fewer contexts") as refused:
        recipes.fitted_to_system(published)
    assert "--views" not in str(refused.value)  # there are no more


def test_episodes_are_as_long_as_some_place_allows_where_places_differ(small):
    config = replace(small.config(), contexts=4, contexts_max=6, queries=9)
    many, few = small.environments(views=12), small.environments(views=8)
    assert recipes.fitted_to_places(config, many, many).queries == 6
    assert recipes.fitted_to_places(config, many, few).queries == 2
    assert recipes.fitted_to_places(replace(config, queries=1), many, few).queries == 1
    # One place is enough; the others are passed over.
    assert recipes.fitted_to_places(config, _joined(few, many), many).queries == 6
    none = replace(config, contexts_max=8)
    assert recipes.fitted_to_places(none, many, few) == none


def _joined(*parts):
    firsts = [part.first_view for part in parts]
    return EnvironmentSet(
        torch.cat([part.images for part in parts]),
        np.concatenate([part.poses_map_camera for part in parts]),
        np.concatenate([firsts[0], firsts[1][1:] + firsts[0][-1]]),
        parts[0].area_m,
    )


def test_bags_are_learned_at_a_lower_rate_unless_told_otherwise():
    for given in (["--bag", "a.mcap"], ["--bag=a.mcap"], ["--start-from=shipped", "--bag", "a"]):
        assert recipe_defaults(given).learning_rate < recipes.DEFAULT.learning_rate
        assert recipe_defaults([*given, "--recipe", "default"]).config == recipes.DEFAULT
        assert recipe_defaults([*given, "--start_from", "fresh"]).config == recipes.DEFAULT


@pytest.mark.parametrize(
    ("options", "fresh"),
    [
        (["--system", "dmn"], False),
        (["--image-size", "32", "32"], False),
        (["--system", "latent-image"], True),
        (["--image_size", "64", "64"], True),
        (["--attention", "scalar_product"], True),
        (["--final-relu"], True),
    ],
)
def test_bags_that_have_to_start_fresh_are_learned_at_the_usual_rate(options, fresh):
    expected = recipes.DEFAULT if fresh else recipes.FINE_TUNING
    assert recipe_defaults(["--bag", "a", *options]).config == expected
    named = ["--bag", "a", *options, "--start-from", "some.safetensors"]
    assert recipe_defaults(named).config == recipes.FINE_TUNING
