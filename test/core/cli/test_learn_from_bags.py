"""A user's own recording: the shipped weights go on to learn from it, and are evaluated in it."""

from __future__ import annotations

import json

import pytest
import torch

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.checkpoint import load_checkpoint
from dmn_core.cli.main import main
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag
from dmn_core.weights import default_weights_path
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig

SMALL_CAMERA = CameraConfig(32, 32, supersampling=1.0)


def dmn(*arguments):
    main([str(argument) for argument in arguments])


def weights_of(path):
    return torch.cat([p.flatten() for p in load_checkpoint(path).network.parameters()])


def test_shipped_weights_learn_from_a_bag_and_are_evaluated_in_it(tmp_path, capsys):
    config = RecordingConfig(camera=SMALL_CAMERA)
    bag, run = tmp_path / "drive", tmp_path / "run"
    record_context_bag(bag, generate_maze(3), views=60, seed=3, config=config)
    limits = ("--max-steps", 1, "--batch", 2, "--validation-samples", 4, "--warmup-steps", 0)
    gently = ("--learning-rate", 1e-6, "--weight-average", 0)
    dmn("train", "--bag", bag, *limits, *gently, "--accelerator", "cpu", "--out", run)
    before, after = (
        weights_of(path) for path in (default_weights_path(), run / "last.safetensors")
    )
    assert not torch.equal(before, after)
    assert torch.allclose(before, after, rtol=0, atol=1e-3)
    assert load_checkpoint(run / "best.safetensors").record["data"] == "bags"
    capsys.readouterr()
    dmn(
        *("evaluate", "--bag", bag, "--weights", run / "best.safetensors", "--trials", 2, "--json"),
        *("--particles-global", 16, "--particles-tracking", 8, "--device", "cpu"),
        *("--finished", tmp_path / "trials.jsonl"),
    )
    printed = json.loads(capsys.readouterr().out)
    assert (printed["data"], printed["trials"]) == ("bags", 2)
    assert printed["training"]["data"] == "bags"
