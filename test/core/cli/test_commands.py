"""The command line: each command does its job on something small, and fails in one clear line."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from dmn_core.checkpoint import load_checkpoint, save_checkpoint
from dmn_core.cli.main import main
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag, record_query_bag
from dmn_core.data.trajectory_io import read_tum
from dmn_core.map_file import load_map
from dmn_core.observation import ObservationModel
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Scratch weights, and a context and a query bag of a few small images."""
    folder = tmp_path_factory.mktemp("small")
    torch.manual_seed(0)
    save_checkpoint(folder / "weights.safetensors", ObservationModel(), record={"samples": 0})
    layout = generate_maze(7)
    config = RecordingConfig(camera=CameraConfig(32, 32, supersampling=1.0), image_rate_hz=2.0)
    record_context_bag(folder / "context", layout, views=3, seed=7, config=config)
    record_query_bag(folder / "query", layout, duration_s=4.0, seed=7, config=config)
    return folder


def dmn(*arguments):
    main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        dmn(*arguments)
    assert stop.value.code == 1
    return capsys.readouterr().err


# The first are printed as they are, the others as a table.
@pytest.mark.parametrize("words", [["--help"], ["models"]])
def test_a_reader_that_has_had_enough_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "dmn_core.cli.main", *words]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_nobody_need_listen_at_all():
    command = f'"{sys.executable}" -m dmn_core.cli.main models >&-'
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        dmn("--help")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("map", "replay", "train", "evaluate", "worlds"))


def test_map_and_replay_of_its_file_equal_replay_of_the_bag(small, tmp_path, capsys):
    weights = ("--weights", small / "weights.safetensors", "--robot.particles", 32)
    dmn("map", small / "context", "--weights", weights[1], "--out", tmp_path / "map.safetensors")
    assert load_map(tmp_path / "map.safetensors").n_views == 3
    dmn("replay", small / "context", small / "query", *weights, "--out", tmp_path / "a")
    dmn("replay", tmp_path / "map.safetensors", small / "query", *weights, "--out", tmp_path / "b")
    stamps, poses = read_tum(tmp_path / "a" / "pose.tum")
    assert len(stamps) >= 7
    assert np.array_equal(poses, read_tum(tmp_path / "b" / "pose.tum")[1])
    assert (tmp_path / "a" / "bag").is_dir()
    for name in ("belief_over_time.png", "track.png", "truth.tum"):
        assert (tmp_path / "a" / name).stat().st_size > 100
    assert "position error, last image" in capsys.readouterr().out


def test_a_drive_is_drawn_as_rviz_and_foxglove_show_it(small, tmp_path, capsys):
    arguments = ("--weights", small / "weights.safetensors", "--robot.particles", 32)
    moments = {}
    for at_s in (0, 100):
        out = tmp_path / str(at_s)
        dmn("picture", small / "context", small / "query", *arguments, "--out", out, "--at-s", at_s)
        told = capsys.readouterr().out
        for name in ("rviz.png", "foxglove.png"):
            assert str(out / name) in told
            moments[at_s, name] = cv2.imread(str(out / name))
            assert moments[at_s, name].shape[0] > 500
    for name in ("rviz.png", "foxglove.png"):
        assert not np.array_equal(moments[0, name], moments[100, name])


def test_replay_does_not_overwrite_results(small, tmp_path, capsys):
    error = fails(capsys, "replay", small / "context", small / "query", "--out", tmp_path)
    assert "exists" in error and error.count("\n") == 1


def test_a_missing_bag_is_one_line_and_status_1(small, tmp_path, capsys):
    weights = ("--weights", small / "weights.safetensors")
    error = fails(
        capsys, "replay", tmp_path / "no", small / "query", *weights, "--out", tmp_path / "out"
    )
    assert "dmn: there is no bag at" in error and "Traceback" not in error


def test_missing_weights_are_named(small, tmp_path, capsys):
    error = fails(capsys, "map", small / "context", "--weights", tmp_path / "gone.safetensors")
    assert "gone.safetensors" in error


def test_train_and_evaluate_on_a_few_mazes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DMN_CACHE", str(tmp_path / "cache"))
    run = tmp_path / "run"
    train = (
        *("train", "--out", run, "--max-steps", 2, "--batch", 2, "--queries", 2),
        *("--environments", 2, "--views", 8, "--render-workers", 1, "--validation-samples", 4),
        *("--accelerator", "cpu"),
    )
    dmn(*train)
    assert load_checkpoint(run / "last.safetensors").record["samples"] == 8
    dmn(*train[:3], "--max-steps", 3, *train[5:])
    assert load_checkpoint(run / "last.safetensors").record["samples"] == 12
    assert len((run / "command.txt").read_text().splitlines()) == 2
    capsys.readouterr()
    dmn(
        *("evaluate", "--weights", run / "last.safetensors", "--trials", 3),
        *("--environments", 2, "--views", 9, "--render-workers", 1),
        *("--particles-global", 16, "--particles-tracking", 8, "--json"),
        *("--out", tmp_path / "report.json"),
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "report.json").read_text())
    assert printed["trials"] == 3 and printed["training"]["samples"] == 12
    for name in ("dmn", "closest_context", "uninformed"):
        figure = printed[name]["sequential_global"]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert math.isfinite(printed[name]["tracking_rmse_m"]["value"])


def test_training_without_an_end_is_refused(capsys):
    assert "minutes or max_steps" in fails(capsys, "train", "--patience-steps", "0")
