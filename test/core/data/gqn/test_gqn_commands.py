"""Published data by commands: trained in, evaluated in, and in tables and figures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dmn_core.checkpoint import load_checkpoint
from dmn_core.cli.main import main
from dmn_core.data.gqn import loading

MAZES, ROOMS = "gqn-mazes", "gqn-rooms-ring-camera"
TRAIN = (
    *("--max-steps", 1, "--batch", 2, "--queries", 2, "--validation-samples", 4),
    *("--environments", 2, "--validation-environments", 1, "--warmup-steps", 0),
    *("--accelerator", "cpu", "--threads", 1),
)
FEW = (
    *("--trials", 2, "--steps", 3, "--particles-global", 16, "--particles-tracking", 8),
    *("--device", "cpu"),
)


def dmn(*arguments):
    main([str(argument) for argument in arguments])


@pytest.fixture
def downloads(shards, one_thread):
    """Some shards of Mazes and Rooms; their folder."""
    shards.mazes("train", 2, 2, frames=60)
    shards.mazes("test", 1, 3, frames=60)
    for part, numbers in (("train", (1, 10)), ("test", (1,))):
        for number in numbers:
            name = f"{number:04d}-of-2160" if part == "train" else f"{number:03d}-of-240"
            scenes = [shards.scene(shards.ring(10, seed=scene), size=64) for scene in range(3)]
            shards.write(f"rooms_ring_camera/{part}/{name}.tfrecord", scenes)
    return shards.root


@pytest.mark.parametrize(("data", "degrees"), [(MAZES, 0), (ROOMS, 50)])
def test_published_data_is_learned_from_and_evaluated_in(
    downloads, data, degrees, tmp_path, capsys
):
    said, best = ("--data", data, "--root", downloads), tmp_path / "run" / "best.safetensors"
    dmn("train", *said, *TRAIN, "--out", best.parent)
    learned = load_checkpoint(best)
    assert (learned.record["data"], learned.record["training_places"]) == (data, 2)
    assert learned.network.config.field_of_view_deg == (degrees, degrees)
    capsys.readouterr()
    finished = ("--finished", tmp_path / "trials.jsonl")
    dmn("evaluate", *said, "--weights", best, *FEW, *finished, "--json")
    printed = json.loads(capsys.readouterr().out)
    # Of three scenes that are there, no more are decoded than there are trials.
    assert (printed["data"], printed["places"]) == (data, f"2 unseen: {data}")
    assert printed["fingerprint"] == learned.fingerprint
    assert np.isfinite(printed["dmn"]["tracking_rmse_m"]["value"])


@pytest.fixture
def asked(monkeypatch):
    """How many scenes were asked for, call by call."""
    counts, read = [], loading.read_environments

    def counted(shards, published, *, count, **options):
        counts.append(count)
        return read(shards, published, count=count, **options)

    monkeypatch.setattr(loading, "read_environments", counted)
    return counts


@pytest.mark.parametrize("data", [MAZES, ROOMS])
def test_a_run_is_what_is_evaluated_where_nothing_is_said(
    downloads, data, tmp_path, monkeypatch, capsys
):
    """The two commands of docs/data.md, one after the other."""
    monkeypatch.chdir(tmp_path)
    said = ("--data", data, "--root", downloads)
    dmn("train", *said, *TRAIN)
    capsys.readouterr()
    dmn("evaluate", *said, *FEW)
    shown = capsys.readouterr().out
    assert f"runs/{data}/best.safetensors, 2 trials" in "".join(shown.split("\n"))
    dmn("evaluate", *said, *FEW, "--json")
    printed = json.loads(capsys.readouterr().out)
    run = load_checkpoint(tmp_path / "runs" / data / "best.safetensors")
    assert printed["fingerprint"] == run.fingerprint


def test_validation_while_training_decodes_what_it_asks_about(downloads, asked, tmp_path):
    whole = [*TRAIN]
    at = whole.index("--validation-environments")
    said = ("--data", ROOMS, "--root", downloads, "--out", tmp_path / "run")
    with pytest.warns(UserWarning, match="wanted 4 environments .* for validation"):
        dmn("train", *said, *whole[:at], *whole[at + 2 :])
    assert asked == [2, 4]


def test_tables_and_figures_are_made_in_published_data(downloads, asked, tmp_path):
    weights = tmp_path / "weights"
    run = weights / MAZES / "dmn"
    dmn("train", "--data", MAZES, "--root", downloads, *TRAIN, "--out", run)
    where = ("--weights-dir", weights, "--out", tmp_path, *FEW)
    sources = ("--sources.mazes", MAZES, "--sources.mazes-root", downloads)
    rooms = ("--sources.rooms", ROOMS, "--sources.rooms-root", downloads)
    dmn("evaluate", "--table", 1, *sources, *rooms, *where)
    assert asked == [2, 1, 2, 2]  # to train, to validate, and trials of both kinds
    table = json.loads((tmp_path / "table_1.json").read_text())
    measured = {
        row["subject"]: [entry["value"] is not None for entry in row["entries"]]
        for row in table["rows"]
    }
    assert measured["dmn"] == [False, False, True, True]
    assert measured["uninformed"] == measured["closest_context"] == [True] * 4
    assert not any(measured["latent-image"])
    assert table["places"] == {MAZES: 2, ROOMS: 2}
    assert f"--data {ROOMS} --root {downloads}" in (tmp_path / "table_1.md").read_text()
    points = ("--curves.contexts", 1, 5)
    dmn("evaluate", "--figure", 9, "--data", MAZES, "--root", downloads, *points, *where)
    figure = json.loads((tmp_path / "figure_09.json").read_text())
    assert figure["title"] == "Success against N, Mazes, trained with N = 4"
    assert [point["x"] for point in figure["curves"][0]["points"]] == [1, 5]
    assert figure["weights"][0]["data"] == MAZES and figure["missing"] == []
