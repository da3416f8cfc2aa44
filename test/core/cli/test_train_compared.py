"""Everything that a table compares is trained by one command, and found where it is measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dmn_core.checkpoint import read_record
from dmn_core.cli.main import main
from dmn_core.cli.train import TrainCommand

pytestmark = pytest.mark.usefixtures("tiny_data")
LITTLE = (
    *("--max-steps", 1, "--validate-every-steps", 1, "--validation-samples", 2, "--batch", 2),
    *("--pictures-every", 0, "--accelerator", "cpu", "--threads", 1),
)


def dmn(*words):
    main([str(word) for word in words])


@pytest.mark.parametrize("number", [2, 5, 6])
def test_a_table_is_trained_and_measured(number, tmp_path):
    folder, pages = tmp_path / "record", tmp_path / "pages"
    train = ("train", "--table", number, "--out", folder, *LITTLE)
    dmn(*train)
    runs = sorted(folder.glob("streets/*/best.safetensors"))
    assert len(runs) == {2: 6, 5: 2, 6: 4}[number]
    assert {read_record(path)["steps"] for path in runs} <= {0, 1}
    trials = ("--trials", 2, "--particles-global", 8, "--particles-tracking", 4, "--device", "cpu")
    dmn("evaluate", "--table", number, "--weights-dir", folder, "--out", pages, *trials)
    content = json.loads((pages / f"table_{number}.json").read_text())
    assert content["missing"] == []
    compared = {used["run"]["compared_samples"] for used in content["weights"]}
    assert len(compared) == 1, "rows that are compared have compared as much"
    # What is done is not done again.
    before = {path: path.read_bytes() for path in runs}
    dmn(*train)
    assert {path: path.read_bytes() for path in runs} == before


def test_published_data_wants_its_folder(tmp_path, capsys):
    with pytest.raises(SystemExit):
        dmn("train", "--table", 2, "--out", tmp_path, "--sources.streets", "streetlearn", *LITTLE)
    assert "--sources.streets-root" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_figure_is_trained_and_measured(tmp_path):
    folder, pages = tmp_path / "record", tmp_path / "pages"
    points = ("--curves.training-environments", 1, "--curves.contexts", 1, 4)
    points += ("--environments", 2)
    names = {7: {"dmn", "dmn-environments-1"}, 8: {"dmn", "dmn-n-1"}}
    for number in (7, 8):
        on = ("--figure", number, "--data", "streets", *points)
        dmn("train", *on, "--out", folder, *LITTLE)
        runs = {path.parent.name for path in folder.glob("streets/*/best.safetensors")}
        assert runs >= names[number]
        trials = ("--trials", 2, "--particles-global", 8, "--device", "cpu")
        dmn("evaluate", *on, "--weights-dir", folder, "--out", pages, *trials)
        content = json.loads((pages / f"figure_{number:02d}.json").read_text())
        assert content["missing"] == []


def test_a_table_and_a_figure_are_two_commands(tmp_path, capsys):
    with pytest.raises(SystemExit):
        dmn("train", "--table", 2, "--figure", 8, "--out", tmp_path, *LITTLE)
    assert "run the command once for each" in capsys.readouterr().err


def test_one_of_a_table_that_diverges_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    train = TrainCommand._train

    def too_fast(command, start, fabric):
        rate = 1e30 if command.system == "latent-image" else command.learning_rate
        train(replace(command, learning_rate=rate, warmup_steps=0), start, fabric)

    monkeypatch.setattr(TrainCommand, "_train", too_fast)
    with pytest.raises(SystemExit):
        dmn("train", "--table", 2, "--out", tmp_path, *LITTLE[2:], "--max-steps", 3)
    assert "smaller --learning-rate" in capsys.readouterr().err
    done = {path.parent.name for path in tmp_path.glob("streets/*/last.safetensors")}
    assert "latent-image" not in done and len(done) == 5
