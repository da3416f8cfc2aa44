"""Weights and maps on disk: what is written comes back, what is wrong is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from dmn_core.checkpoint import load_checkpoint, save_checkpoint, weights_fingerprint
from dmn_core.errors import CheckpointError, MapError
from dmn_core.localization import Localizer
from dmn_core.map_file import load_map, save_map
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.views import Views

SMALL = NetworkConfig(image_height=16, image_width=8, attention="mean", environment_scale_m=11.0)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return ObservationModel(SMALL)


def edit(path, *, metadata=None, drop=None):
    with safe_open(path, framework="pt") as file:
        known = file.metadata()
        tensors = {k: file.get_tensor(k) for k in file.keys() if k != drop}  # noqa: SIM118
    save_file(tensors, path, metadata={**known, **(metadata or {})})


def test_weights_configuration_and_record_come_back(tmp_path, network):
    path = tmp_path / "deep" / "weights.safetensors"
    save_checkpoint(path, network, record={"samples": 7}, dtype=torch.float32)
    loaded = load_checkpoint(path)
    assert loaded.network.config == SMALL
    assert loaded.record == {"samples": 7}
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value)
    assert not list(path.parent.glob("*.partial"))


def test_weights_from_before_there_were_other_maps_are_read(tmp_path, network):
    path = tmp_path / "weights"
    save_checkpoint(path, network)
    known = {k: v for k, v in asdict(SMALL).items() if k not in ("map", "head")}
    edit(path, metadata={"network": json.dumps(known)})
    loaded = load_checkpoint(path)
    assert loaded.network.config == SMALL
    assert loaded.fingerprint == weights_fingerprint(network)


def test_half_precision_halves_the_file_and_keeps_the_fingerprint(tmp_path, network):
    save_checkpoint(tmp_path / "half", network)
    save_checkpoint(tmp_path / "full", network, dtype=torch.float32)
    assert (tmp_path / "half").stat().st_size < 0.51 * (tmp_path / "full").stat().st_size
    half, full = (load_checkpoint(tmp_path / name).fingerprint for name in ("half", "full"))
    assert half == full == weights_fingerprint(network)


def test_one_changed_weight_changes_the_fingerprint(network):
    before = weights_fingerprint(network)
    network.fc1.output.weight.data[0, 0] += 0.1
    assert weights_fingerprint(network) != before


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere.safetensors"):
        load_checkpoint(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_files_are_refused(tmp_path, network, damage):
    path = tmp_path / "weights"
    save_checkpoint(path, network)
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_loading_is_strict(tmp_path, network):
    path = tmp_path / "weights"
    save_checkpoint(path, network)
    edit(path, drop="fc1.output.bias")
    with pytest.raises(CheckpointError, match=r"fc1\.output\.bias"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("metadata", "word"),
    [
        ({"convention_version": "0"}, "convention version '0'"),
        ({"kind": "something"}, "something"),
        ({"network": '{"color": 3}'}, "color"),
        ({"network": "{"}, "configuration"),
    ],
)
def test_other_conventions_kinds_and_configurations_are_refused(tmp_path, network, metadata, word):
    path = tmp_path / "weights"
    save_checkpoint(path, network)
    edit(path, metadata=metadata)
    with pytest.raises(CheckpointError, match=word):
        load_checkpoint(path)


def test_a_map_comes_back_with_area_and_fingerprint(tmp_path, network):
    machine = Localizer(network, weights_fingerprint=weights_fingerprint(network))
    rng = np.random.default_rng(0)
    views = Views(rng.integers(0, 256, (3, 16, 8, 3), dtype=np.uint8), rng.normal(size=(3, 3)))
    view_map = machine.build_map(views, area_m=(-1.0, 2.0, -3.0, 4.0))
    save_map(tmp_path / "map.safetensors", view_map)
    loaded = load_map(tmp_path / "map.safetensors")
    assert torch.equal(loaded.embeddings, view_map.embeddings)
    assert torch.equal(loaded.poses_map_camera, view_map.poses_map_camera)
    assert loaded.area_m == (-1.0, 2.0, -3.0, 4.0)
    assert loaded.weights_fingerprint == machine.weights_fingerprint
    machine.use_map(loaded)


def test_weights_are_no_map_and_a_map_that_cannot_be_written_says_so(tmp_path, network):
    save_checkpoint(tmp_path / "weights", network)
    with pytest.raises(MapError, match="dmn-view-map"):
        load_map(tmp_path / "weights")
    with pytest.raises(MapError, match="found none"):
        load_map(tmp_path / "nothing")
    machine = Localizer(network)
    view_map = machine.build_map(Views(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 3))))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MapError, match="cannot write"):
        save_map(tmp_path / "file" / "map.safetensors", view_map)
