"""Tables and figures of the paper by one command each: on tiny worlds, with ignorant weights."""

from __future__ import annotations

import json
import shlex

import cv2
import numpy as np
import pytest
import tyro

from dmn_core.checkpoint import save_checkpoint
from dmn_core.cli.main import main
from dmn_core.cli.train import TrainCommand
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject, WeightsFolder
from dmn_core.evaluation.tables import table
from dmn_core.observation import build_network
from dmn_core.systems import network_of

SIZE = (8, 8)
pytestmark = pytest.mark.usefixtures("tiny_data")
TRIALS = ("--trials", 3, "--particles-global", 16, "--particles-tracking", 8)
POINTS = (
    *("--curves.training-environments", 2, "--curves.all-training-environments", 9),
    *("--curves.contexts", 1, 4, "--curves.trajectory", 6, "--curves.particles", 4, 16),
)


def evaluate(*arguments):
    main([str(argument) for argument in ("evaluate", *arguments, "--device", "cpu")])


def check_files(folder, name):
    assert (folder / f"{name}.png").stat().st_size > 5000
    content = json.loads((folder / f"{name}.json").read_text())
    assert content["trials"] == 3 and content["seed"] == 0 and content["missing"] == []
    assert content["weights"][0]["training"] == {"samples": 7}
    return content, (folder / f"{name}.md").read_text()


@pytest.mark.parametrize("number", range(1, 7))
def test_every_table_has_all_numbers_beside_the_papers(number, weights, tmp_path, capsys):
    evaluate("--table", number, "--weights-dir", weights, "--out", tmp_path, *TRIALS)
    content, page = check_files(tmp_path, f"table_{number}")
    wanted = table(number, EvaluationConfig())
    assert [row["title"] for row in content["rows"]] == [row.title for row in wanted.rows]
    for row, expected in zip(content["rows"], wanted.rows, strict=True):
        assert [entry["paper"] for entry in row["entries"]] == [e.paper for e in expected.entries]
        assert all(e["low"] <= e["value"] <= e["high"] for e in row["entries"])
        assert row["title"] in page
    assert page in capsys.readouterr().out


@pytest.mark.parametrize("number", range(7, 12))
def test_every_figure_has_all_its_points(number, weights, tmp_path):
    evaluate("--figure", number, "--weights-dir", weights, "--out", tmp_path, *TRIALS, *POINTS)
    content, page = check_files(tmp_path, f"figure_{number:02d}")
    assert len(content["curves"]) == 2 and f"figure_{number:02d}.png" in page
    for curve in content["curves"]:
        assert len(curve["points"]) == (6 if number == 10 else 2)
        assert all(0 <= p["low"] <= p["value"] <= p["high"] <= 100 for p in curve["points"])
    assert any(mark["value"] == 75.9 for mark in content["paper"])
    # What x says is not said otherwise below it.
    assert ("contexts N 4" in page) == (number not in (8, 9))
    assert ("particles K 16" in page) == (number != 11)
    unknown = {7: "dmn-environments-2", 8: "dmn-n-1"}.get(number)
    assert [unknown in note for note in content["notes"]] == ([True] if unknown else [])


@pytest.mark.parametrize("number", [5, 6])
def test_pictures_of_trials(number, weights, tmp_path, capsys):
    path = weights / "mazes" / "dmn.safetensors"
    for json_too in ((), ("--json",)):
        out = tmp_path / f"json{len(json_too)}"
        evaluate(
            *("--figure", number, "--weights", path, "--out", out, "--examples", 2, *json_too),
            *("--particles-global", 50, "--steps", 2),
        )
        printed = capsys.readouterr().out.strip()
        pictures = [out / f"figure_{number:02d}_trial_{trial}.png" for trial in (0, 1)]
        names = json.loads(printed)["pictures"] if json_too else printed.splitlines()
        assert names == list(map(str, pictures))
        first, second = (cv2.imread(str(picture)) for picture in pictures)
        assert first.std() > 10 and not np.array_equal(first, second)


def test_json_of_one_evaluation_is_one_object_of_the_promised_form(weights, tmp_path, capsys):
    evaluate(
        *("--data", "rooms", "--weights", weights / "mazes" / "dmn.safetensors", "--json"),
        *("--finished", tmp_path / "trials.jsonl", *TRIALS),
    )
    printed = json.loads(capsys.readouterr().out)
    assert (printed["data"], printed["trials"], printed["seed"]) == ("rooms", 3, 0)
    for name in ("dmn", "dmn_likeliest_place", "closest_context", "uninformed"):
        assert set(printed[name]) == {"sequential_global", "one_step_global", "tracking_rmse_m"}
        for figure in printed[name].values():
            assert set(figure) == {"value", "low", "high"}
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_a_table_of_maps_of_other_places_says_so(weights, tmp_path):
    evaluate(
        *("--table", 4, "--weights-dir", weights, "--out", tmp_path, *TRIALS),
        *("--map-from", "another"),
    )
    assert "maps of another place" in (tmp_path / "table_4.md").read_text()
    assert json.loads((tmp_path / "table_4.json").read_text())["map_from"] == "another"


def test_json_of_a_table_is_the_file(weights, tmp_path, capsys):
    evaluate("--table", 4, "--weights-dir", weights, "--out", tmp_path, *TRIALS, "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "table_4.json").read_text())


def every_missing_command(folder, capsys):
    """Commands that are told where no weights are, from tables and curves."""
    commands = []
    figures = [("--figure", number, "--data", "streets", *POINTS) for number in (7, 8)]
    for wanted in (("--table", 5), ("--table", 6), *figures):
        with pytest.raises(SystemExit) as stop:
            evaluate(
                *(*wanted, "--weights-dir", folder / "none", "--out", folder),
                *TRIALS,
            )
        assert stop.value.code == 1
        told = capsys.readouterr().err
        assert "no weights" in told
        commands += [line.strip(" -`") for line in told.splitlines() if "`dmn train" in line]
    return dict.fromkeys(commands)


def test_missing_weights_say_a_command_that_trains_them(tmp_path, capsys):
    commands = every_missing_command(tmp_path, capsys)
    assert len(commands) == 7
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["dmn", "train"]
        parsed = tyro.cli(TrainCommand, args=words[2:])
        parsed.config.refuse_wrong_end()
        assert parsed.data == "streets"
        assert parsed.out.parent == tmp_path / "none" / "streets"
        assert parsed.out.name.startswith(parsed.system)
    trained = {tyro.cli(TrainCommand, args=shlex.split(c)[2:]).out.name: c for c in commands}
    assert "--contexts 1" in trained["dmn-n-1"]
    assert "--environments 2" in trained["dmn-environments-2"]
    assert "--objective.name classification" in trained["dmn-classification"]


def test_what_is_there_is_measured_and_what_is_missing_is_listed(weights, tmp_path, capsys):
    folder = tmp_path / "weights"
    (folder / "streets").mkdir(parents=True)
    for name in ("dmn", "latent-vector"):
        source = weights / "streets" / f"{name}.safetensors"
        (folder / "streets" / source.name).write_bytes(source.read_bytes())
    evaluate("--table", 2, "--weights-dir", folder, "--out", tmp_path, *TRIALS)
    content = json.loads((tmp_path / "table_2.json").read_text())
    present = {r["subject"]: r["entries"][0]["value"] is not None for r in content["rows"]}
    wanted = {"dmn", "latent-vector", "closest_context", "uninformed"}
    assert {name for name, there in present.items() if there} == wanted
    assert len(content["missing"]) == 4
    assert (
        "dmn train --data streets --system latent-image " in (tmp_path / "table_2.md").read_text()
    )


@pytest.mark.parametrize(
    ("wanted", "serves"),
    [(("--table", 1), False), (("--figure", 8, *POINTS), False), (("--figure", 9, *POINTS), True)],
)
def test_shipped_weights_serve_where_no_trainings_are_compared(
    weights, tmp_path, monkeypatch, wanted, serves
):
    shipped = weights / "mazes" / "dmn.safetensors"
    monkeypatch.setattr("dmn_core.evaluation.subjects._shipped", lambda data: [shipped])
    arguments = (*wanted, "--weights-dir", tmp_path / "none", "--out", tmp_path, *TRIALS)
    try:
        evaluate(*arguments)
    except SystemExit:
        assert wanted[1] == 8  # which has no baselines
        return
    (written,) = tmp_path.glob("*_*.json")
    content = json.loads(written.read_text())
    assert [used["subject"] for used in content["weights"]] == (["dmn"] if serves else [])
    assert any("--system dmn " in entry["command"] for entry in content["missing"]) != serves


def test_a_folder_that_is_not_said_stops_no_table_without_that_data(weights, tmp_path):
    said = ("--sources.streets", "streetlearn")
    evaluate("--table", 1, *said, "--weights-dir", weights, "--out", tmp_path, *TRIALS)


def test_the_best_of_several_runs_counts(weights, tmp_path):
    folder = tmp_path / "streets" / "dmn"
    best = folder / "seed-1" / "best.safetensors"
    best.parent.mkdir(parents=True)
    best.write_bytes((weights / "streets" / "dmn.safetensors").read_bytes())
    found = WeightsFolder(tmp_path).find
    assert found("streets", Subject("dmn")) is None
    (folder / "grid.json").write_text('{"best": "seed-1"}')
    assert found("streets", Subject("dmn")) == best


def test_weights_of_another_system_are_refused(weights, tmp_path):
    folder = tmp_path / "streets"
    folder.mkdir()
    wrong = weights / "streets" / "latent-vector.safetensors"
    (folder / "dmn.safetensors").write_bytes(wrong.read_bytes())
    evaluate("--table", 2, "--weights-dir", tmp_path, "--out", tmp_path, *TRIALS)
    missing = json.loads((tmp_path / "table_2.json").read_text())["missing"]
    assert any("wants to hold weights of 'dmn'" in entry["reason"] for entry in missing)


def test_a_whole_training_stands_where_its_weights_say(tmp_path):
    network, points = build_network(network_of("dmn", SIZE)), ("--curves.training-environments", 2)
    path = tmp_path / "mazes" / "dmn.safetensors"
    save_checkpoint(path, network, record={"data": "mazes", "training_places": 77})
    evaluate("--figure", 7, *points, "--weights-dir", tmp_path, "--out", tmp_path, *TRIALS)
    content = json.loads((tmp_path / "figure_07.json").read_text())
    assert [point["x"] for point in content["curves"][0]["points"]] == [2, 77]
    save_checkpoint(path, network, record={"data": "rooms"})
    with pytest.raises(SystemExit):
        evaluate("--figure", 7, *points, "--weights-dir", tmp_path, "--out", tmp_path, *TRIALS)


def test_weights_that_were_trained_elsewhere_get_no_point(tmp_path):
    systems, points = ("dmn", "latent-image"), ("--curves.training-environments", 2)
    for system, places in zip(systems, (77, 50), strict=True):
        path = tmp_path / "mazes" / f"{system}.safetensors"
        record = {"data": "mazes", "training_places": places}
        save_checkpoint(path, build_network(network_of(system, SIZE)), record=record)
    out = ("--curves.systems", *systems, "--weights-dir", tmp_path, "--out", tmp_path)
    evaluate("--figure", 7, *points, *out, *TRIALS)
    content = json.loads((tmp_path / "figure_07.json").read_text())
    values = {c["title"]: c["points"][1]["value"] for c in content["curves"]}
    assert [value is None for value in values.values()] == [False, False, True, True]
    reasons = [entry["reason"] for entry in content["missing"]]
    assert any("places 77, got 50" in reason for reason in reasons)


def test_a_table_goes_on_with_the_trials_that_are_there(weights, tmp_path):
    run = ("--table", 4, "--weights-dir", weights, "--out", tmp_path)
    evaluate(*run, *TRIALS)
    few = (tmp_path / "trials.jsonl").read_text()
    evaluate(*run, "--trials", 5, *TRIALS[2:])
    assert (tmp_path / "trials.jsonl").read_text().startswith(few)
    assert json.loads((tmp_path / "table_4.json").read_text())["trials"] == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--table", 1, "--figure", 7), "one of table and figure"),
        (("--table", 1, "--weights", "some.safetensors"), "weights_dir"),
        (("--figure", 8, "--curves.systems", "nonsense"), "nonsense"),
        (("--table", 2, "--sources.streets", "streetlearn"), "wants --sources.streets-root"),
        (("--table", 2, "--data", "streets"), "--sources.streets, got --data streets: leave"),
        (("--data=gqn-mazes", "--table", 1), "--sources.mazes and --sources.streets, got --data"),
        (("--table", 1, "--root", "DIR"), "--sources.mazes-root and --sources.streets-root, got"),
        (("--table", 1, "--bag", "A", "B"), "no recordings, got --bag A B: leave --bag out"),
        (("--root", "DIR"), "or streetlearn, got no --data: say which it is, or leave --root out"),
        (("--figure", 9, "--sources.mazes", "gqn-mazes"), "got --figure 9: give --data and --root"),
        (("--figure", 5, "--sources.rooms_root=DIR"), "--sources.rooms-root is for tables, got"),
        (("--sources.rooms", "rooms"), "is for tables, got no --table"),
        (("--table", 1, "--curves.contexts", 2), "--curves.contexts is for figures 7 to 11, got"),
        (("--figure", 5, "--curves.particles", 8), "got --figure 5: leave --curves.particles out"),
        (("--topics.pose-topic", "tf"), "--topics.pose-topic is about recordings and wants --bag"),
        (("--table", 1, "--sources.mazes-root", "DIR"), "got 'DIR' for 'mazes': give --sources.ma"),
    ],
)
def test_what_cannot_be_done_is_said(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        evaluate(*arguments)
    assert stop.value.code != 0
    assert said in capsys.readouterr().err


def test_missing_weights_are_said_with_the_training_that_makes_them(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dmn_core.evaluation.subjects._shipped", lambda data: [])
    with pytest.raises(SystemExit) as stop:
        evaluate("--data", "streets", "--weights-dir", "nowhere")
    assert stop.value.code != 0
    assert "dmn train --data streets" in capsys.readouterr().err
