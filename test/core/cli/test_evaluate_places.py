"""The places in which tables and figures are measured, and what a page says of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from dmn_core.cli.main import main
from dmn_core.data.episode import ViewRole
from dmn_core.data.sources import SOURCES, Source

SIZE = (8, 8)
pytestmark = pytest.mark.usefixtures("tiny_data")
TRIALS = ("--trials", 3, "--particles-global", 16, "--particles-tracking", 8)


def evaluate(*arguments):
    main([str(argument) for argument in ("evaluate", *arguments, "--device", "cpu")])


def test_baselines_and_networks_are_shown_the_same_places(weights, tmp_path, monkeypatch):
    shown, load = [], sys.modules["tiny_data"].load

    def remembering(config, split, image_size):
        shown.append(image_size)
        return load(config, split, image_size)

    monkeypatch.setattr(sys.modules["tiny_data"], "load", remembering)
    monkeypatch.setitem(SOURCES, "streets", Source("tiny_data", (16, 32), "as the source has it"))
    evaluate("--table", 2, "--weights-dir", weights, "--out", tmp_path, *TRIALS)
    assert shown == [SIZE]
    content = json.loads((tmp_path / "table_2.json").read_text())
    assert all(row["entries"][0]["value"] is not None for row in content["rows"])
    shown.clear()
    evaluate("--table", 2, "--weights-dir", tmp_path / "none", "--out", tmp_path, *TRIALS)
    assert shown == [(16, 32)]


def test_a_table_says_where_trials_outnumber_places(weights, tmp_path):
    evaluate("--table", 2, "--weights-dir", weights, "--out", tmp_path, "--trials", 5, *TRIALS[2:])
    assert json.loads((tmp_path / "table_2.json").read_text())["places"] == {"streets": 3}
    page = (tmp_path / "table_2.md").read_text()
    assert "streets: 5 trials in 3 places;" in page and "7 samples, 0.00 hours" in page


def changed(monkeypatch, **changes):
    """Let the data be another."""
    module = sys.modules["tiny_data"]
    monkeypatch.setattr(module, "load", lambda *a, load=module.load: replace(load(*a), **changes))


def test_a_table_says_where_places_share_images(weights, tmp_path, monkeypatch):
    changed(monkeypatch, blocks=np.array([0, 0, 1]))
    evaluate("--table", 2, "--weights-dir", weights, "--out", tmp_path, *TRIALS)
    content = json.loads((tmp_path / "table_2.json").read_text())
    assert content["places"] == {"streets": 3} and content["blocks"] == {"streets": 2}
    page = (tmp_path / "table_2.md").read_text()
    assert "streets: 3 trials in 3 places of 2 blocks; places of a block overlap" in page


def uneven(monkeypatch, views, far):
    """Let the three places have so many views each, of them so many from around the area."""
    module = sys.modules["tiny_data"]

    def load(config, split, image_size, load=module.load):
        regular = load(config, split, image_size)
        counts = zip(views, far, strict=True)
        roles = [[ViewRole.ANY] * (v - f) + [ViewRole.FAR] * f for v, f in counts]
        chosen = np.concatenate([17 * place + np.arange(v) for place, v in enumerate(views)])
        return replace(
            regular,
            images=regular.images[chosen],
            poses_map_camera=regular.poses_map_camera[chosen],
            first_view=np.cumsum([0, *views]),
            roles=np.concatenate(roles).astype(np.uint8),
        )

    monkeypatch.setattr(module, "load", load)


def places_asked(folder):
    """The places of each experiment, by N and number of far contexts."""
    asked = {}
    for line in (folder / "trials.jsonl").read_text().splitlines():
        entry = json.loads(line)
        key = (entry["experiment"]["contexts"], entry["experiment"]["far_contexts"])
        names = {name.partition("@")[2] for name in entry["trials"]}
        asked[key] = asked.get(key, set()) | names
    return asked


def test_both_columns_of_a_larger_area_are_measured_in_the_same_places(
    weights, tmp_path, monkeypatch
):
    uneven(monkeypatch, views=(17, 14, 17), far=(5, 2, 4))
    evaluate("--table", 4, "--weights-dir", weights, "--out", tmp_path, *TRIALS)
    asked = places_asked(tmp_path)
    assert asked[4, 0] == asked[4, 4] and len(asked[4, 0]) == 2
    content = json.loads((tmp_path / "table_4.json").read_text())
    assert content["places"] == {"streets": 2} and content["missing"] == []
    assert "in the 2 of 3 places that have views enough" in (tmp_path / "table_4.md").read_text()


@pytest.mark.parametrize(
    ("largest", "count"), [(8, 1), (64, 2)], ids=["some place has enough", "none has"]
)
def test_all_points_over_n_are_measured_in_the_same_places(
    weights, tmp_path, monkeypatch, largest, count
):
    uneven(monkeypatch, views=(9, 7, 14), far=(0, 0, 0))
    points = ("--curves.contexts", 1, 4, largest, "--curves.systems", "dmn")
    out = ("--weights-dir", weights, "--out", tmp_path)
    evaluate("--figure", 9, "--data", "streets", *out, *TRIALS, *points)
    asked = places_asked(tmp_path)
    assert asked[1, 0] == asked[4, 0] and len(asked[1, 0]) == count
    content = json.loads((tmp_path / "figure_09.json").read_text())
    assert content["places"] == {"streets": count}
    assert ["--views" in entry["reason"] for entry in content["missing"]] == [True] * (count - 1)


@pytest.mark.parametrize(("number", "views"), [(9, 21), (10, 24), (11, 0)])
def test_simulated_rooms_have_the_views_that_a_figure_wants(
    number, views, weights, tmp_path, monkeypatch
):
    asked, load = [], sys.modules["tiny_data"].load

    def remembering(config, split, image_size):
        asked.append((config.environments, config.views))
        return load(config, split, image_size)

    monkeypatch.setattr(sys.modules["tiny_data"], "load", remembering)
    source = Source("tiny_data", SIZE, "tiny", one_by_one=True, views=20)
    monkeypatch.setitem(SOURCES, "rooms", source)
    out = ("--weights-dir", weights, "--out", tmp_path, "--curves.systems", "dmn")
    try:
        evaluate("--figure", number, "--data", "rooms", *out, *TRIALS)
    except SystemExit:
        assert number == 10  # the data that stands in for rooms has fewer views
    assert asked == [(3, views)]


def test_weights_of_a_robot_are_looked_for_where_all_others_are(
    weights, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(SOURCES, "bags", Source("tiny_data", SIZE, "tiny", "bag"))
    own = tmp_path / "record" / "bags" / "dmn" / "best.safetensors"
    run = ("--bag", "A.mcap", "--weights-dir", tmp_path / "record", "--json", *TRIALS)
    run = (*run, "--finished", tmp_path / "trials.jsonl")
    used = []
    for there in (False, True):
        if there:
            own.parent.mkdir(parents=True)
            own.write_bytes((weights / "mazes" / "dmn.safetensors").read_bytes())
        evaluate(*run)
        used.append(json.loads(capsys.readouterr().out)["weights"])
    assert used == ["mazes.safetensors", "best.safetensors"]


@pytest.mark.parametrize("half_m", [3.0, 20.0])
def test_success_in_a_small_area_is_said_to_mean_little(
    weights, tmp_path, monkeypatch, capsys, half_m
):
    changed(monkeypatch, area_m=(-half_m, half_m, -half_m, half_m))
    evaluate(
        *("--data", "rooms", "--weights", weights / "mazes" / "dmn.safetensors"),
        *("--finished", tmp_path / "trials.jsonl", *TRIALS),
    )
    said = "The area is 6.0 m x 6.0 m: success within 8.94 m says little"
    assert (said in capsys.readouterr().out) == (half_m == 3.0)
