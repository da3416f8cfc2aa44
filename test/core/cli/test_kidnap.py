"""Kidnapped drives by one command, shared out among processes."""

from __future__ import annotations

import json

import pytest
import torch

from dmn_core.checkpoint import save_checkpoint
from dmn_core.cli.main import main
from dmn_core.observation import ObservationModel

SMALL = (
    *("--trials", "2", "--plan.seconds", "2", "--plan.views", "3", "--robot.particles", "32"),
    *("--robot.filter.size.min-particles", "0", "--device", "cpu", "--threads", "1"),
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    torch.manual_seed(0)
    save_checkpoint(path, ObservationModel())
    return path


def run(command, weights, out, *more):
    main([command, "--weights", str(weights), "--out", str(out), *SMALL, *more])


def test_processes_that_share_trials_find_what_one_finds(weights, tmp_path, capsys):
    run("kidnap", weights, tmp_path / "one")
    run("kidnap", weights, tmp_path / "two", "--workers", "2")
    one, two = (
        json.loads((tmp_path / name / "robot_trials.json").read_text()) for name in ("one", "two")
    )
    assert one["findings"] == two["findings"] and one["reliability"] == two["reliability"]
    assert sum(one["reliability"]["count"]) > 4
    assert "found after the kidnap" in capsys.readouterr().out
    assert (tmp_path / "one" / "robot_trials.png").stat().st_size > 20_000


def test_a_calibration_is_kept_beside_the_weights_and_used(weights, tmp_path, capsys):
    run("calibrate", weights, tmp_path)
    fitted = json.loads(weights.with_suffix(".calibration.json").read_text())
    record = json.loads((tmp_path / "calibration.json").read_text())
    assert record["calibration"] == fitted and record["trials"] == 2
    assert fitted["weights_fingerprint"] == record["weights_fingerprint"]
    assert "kidnap flagged LOST" in record["findings"]
    assert "TRACKING" in capsys.readouterr().out
    run("kidnap", weights, tmp_path)
    assert json.loads((tmp_path / "robot_trials.json").read_text())["calibration"] == fitted


def test_no_trials_are_refused(weights, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run("kidnap", weights, tmp_path, "--trials", "0")
    assert "trials and workers want 1 or more" in capsys.readouterr().err
