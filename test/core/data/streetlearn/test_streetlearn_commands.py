"""StreetLearn by commands: trained in, and evaluated in by blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dmn_core.checkpoint import load_checkpoint
from dmn_core.cli.main import main


def dmn(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def test_streetlearn_is_learned_from_and_evaluated_in(
    tmp_path: Path,
    streets: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    one_thread: None,
) -> None:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path / "cache"))
    streets.write_city(tmp_path / "manhattan")
    said, best = ("--data", "streetlearn", "--root", tmp_path), tmp_path / "run/best.safetensors"
    dmn(
        *("train", *said, "--image-size", *streets.size, "--out", best.parent, "--max-steps", 1),
        *("--batch", 2, "--queries", 2, "--validation-samples", 4, "--warmup-steps", 0),
        *("--accelerator", "cpu", "--threads", 1),
    )
    learned = load_checkpoint(best)
    assert learned.record["data"] == "streetlearn" and learned.record["training_places"] > 100
    assert learned.network.config.camera.horizontal_deg == 360
    capsys.readouterr()
    dmn(
        *("evaluate", *said, "--weights", best, "--trials", 3, "--steps", 3, "--device", "cpu"),
        *("--particles-global", 16, "--particles-tracking", 8, "--json"),
        *("--finished", tmp_path / "trials.jsonl"),
    )
    printed = json.loads(capsys.readouterr().out)
    assert (printed["places_of_trials"], printed["blocks_of_trials"]) == (3, 1)
    assert np.isfinite(printed["dmn"]["tracking_rmse_m"]["value"])
