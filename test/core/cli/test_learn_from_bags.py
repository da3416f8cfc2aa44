"""A user's own recording: the shipped weights go on to learn from it, and are evaluated in it."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.checkpoint import load_checkpoint, save_checkpoint
from dmn_core.cli.main import main
from dmn_core.data import bag_environments
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.weights import default_weights_path
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig

LIMITS = (
    *("--max-steps", 1, "--batch", 2, "--validation-samples", 4, "--warmup-steps", 0),
    *("--accelerator", "cpu"),
)
SMALL_CAMERA = CameraConfig(32, 32, supersampling=1.0)


def dmn(*arguments):
    main([str(argument) for argument in arguments])


def weights_of(path):
    return torch.cat([p.flatten() for p in load_checkpoint(path).network.parameters()])


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """A drive through a maze."""
    path = tmp_path_factory.mktemp("bags") / "drive"
    config = RecordingConfig(camera=SMALL_CAMERA)
    record_context_bag(path, generate_maze(3), views=60, seed=3, config=config)
    return path


def test_shipped_weights_learn_from_a_bag_and_are_evaluated_in_it(bag, tmp_path, capsys):
    run = tmp_path / "run"
    gently = ("--learning-rate", 1e-6, "--weight-average", 0)
    dmn("train", "--bag", bag, *LIMITS, *gently, "--out", run)
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
    x_min, x_max, y_min, y_max = printed["area_m"]
    assert all(6 < side <= 40 for side in (x_max - x_min, y_max - y_min))


def test_two_recordings_are_learned_from_one_of_them_a_bare_file(bag, tmp_path):
    bare = shutil.copy(next(bag.glob("*.mcap")), tmp_path / "again.mcap")
    fresh = ("--start-from", "fresh", "--out", tmp_path / "run")
    dmn("train", "--bag", bag, bare, *LIMITS, *fresh)
    record = load_checkpoint(tmp_path / "run" / "last.safetensors").record
    assert record["configuration"]["bag"] == [str(bag), str(bare)]
    alone = load_environments(DataConfig(bag=(str(bag),)), "train")
    assert record["training_places"] == 2 * len(alone)


def test_a_recording_is_evaluated_with_the_field_of_view_of_the_weights(
    bag, tmp_path, capsys, monkeypatch
):
    narrow = ObservationModel(NetworkConfig(field_of_view_deg=(50.0, 50.0)))
    save_checkpoint(tmp_path / "narrow.safetensors", narrow)
    asked, read = [], bag_environments.read_camera_views

    def remembering(*arguments, target, **options):
        asked.append((target.horizontal_deg, target.vertical_deg))
        return read(*arguments, target=target, **options)

    monkeypatch.setattr(bag_environments, "read_camera_views", remembering)
    dmn(
        *("evaluate", "--bag", bag, "--weights", tmp_path / "narrow.safetensors", "--trials", 1),
        *("--particles-global", 4, "--particles-tracking", 4, "--device", "cpu", "--json"),
        *("--finished", tmp_path / "trials.jsonl"),
    )
    assert asked == [(50.0, 50.0)]
