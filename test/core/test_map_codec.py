"""Maps as bytes: what is packed comes back to the bit, what is damaged is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dmn_core import map_codec
from dmn_core.data.bag_map import MappingSettings, views_from_bag
from dmn_core.errors import MapError
from dmn_core.localization import Everywhere
from dmn_core.map_codec import decode_map, encode_map
from dmn_core.map_file import load_map, save_map
from dmn_core.robot import load_localizer
from dmn_core.views import ViewMap, ViewRecord, in_half_precision, to_network_input
from dmn_core.weights import default_weights_path

SPECIAL = [0.0, -0.0, 65504.0, -65504.0, 6e-8, -6e-8]
BAG = default_weights_path().parents[1] / "bags" / "context"


@st.composite
def maps(draw):
    shape = [draw(st.integers(1, size)) for size in (4, 5, 4, 4)]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.normal(scale=draw(st.sampled_from([1e-6, 1.0, 1e3])), size=shape)
    values *= random.random(shape) < draw(st.floats(0, 1))
    values.flat[: len(SPECIAL)] = SPECIAL[: values.size]
    area = draw(st.none() | st.just((-1.0, 2.5, 0.1, 7.0)))
    stamps = st.tuples(st.integers(0, 2**62), st.text(max_size=5))
    records = draw(st.just([]) | st.lists(stamps, min_size=shape[0], max_size=shape[0]))
    return ViewMap(
        in_half_precision(torch.from_numpy(values)[None]),
        torch.from_numpy(random.normal(size=(1, shape[0], 3))).float(),
        area,
        draw(st.text(max_size=16)),
        tuple(ViewRecord(*record) for record in records),
    )


def assert_equal(first, second):
    assert first.embeddings.numpy().tobytes() == second.embeddings.numpy().tobytes()
    assert torch.equal(first.poses_map_camera, second.poses_map_camera)
    assert (first.area_m, first.records) == (second.area_m, second.records)
    assert first.weights_fingerprint == second.weights_fingerprint


@settings(max_examples=60)
@given(maps())
def test_what_is_packed_comes_back(view_map):
    assert_equal(decode_map(encode_map(view_map)), view_map)


@settings(max_examples=60)
@given(maps(), st.data())
def test_damaged_bytes_are_refused(view_map, data):
    packed = bytearray(encode_map(view_map))
    place = data.draw(st.integers(0, len(packed) - 1))
    if data.draw(st.booleans()):
        packed[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        packed = packed[:place]
    with pytest.raises(MapError):
        decode_map(bytes(packed))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_map_are_refused(data):
    with pytest.raises(MapError):
        decode_map(data)


@pytest.mark.parametrize(
    "records",
    [
        "[[1e400, 'a']]",
        "[[Infinity, 'a']]",
        "[[NaN, 'a']]",
        "[[1.5, 'a']]",
        "[[true, 'a']]",
        f"[[{2**63}, 'a']]",
        f"[[{-(2**63) - 1}, 'a']]",
        f"[[{10**400}, 'a']]",
        "[[1, 2]]",
        "[[1, '\\ud800']]",
        "[[1, 'a', 2]]",
        "7",
        "[" * 100_000,
    ],
)
def test_records_that_no_message_holds_are_refused(monkeypatch, records):
    one = ViewMap(torch.ones(1, 1, 2, 2, 2), torch.zeros(1, 1, 3), (0.0, 1.0, 0.0, 1.0), "w")
    monkeypatch.setattr(map_codec, "records_to_json", lambda _: records.replace("'", '"'))
    with pytest.raises(MapError):
        decode_map(encode_map(one))


@pytest.mark.parametrize("edge", [float("inf"), float("nan"), 10**400])
def test_areas_that_are_not_finite_are_refused(monkeypatch, tmp_path, edge):
    one = ViewMap(torch.ones(1, 1, 2, 2, 2), torch.zeros(1, 1, 3), None, "w")
    object.__setattr__(one, "area_m", (0.0, 1.0, 0.0, edge))
    with pytest.raises(MapError):
        decode_map(encode_map(one))
    save_map(tmp_path / "map", one)
    with pytest.raises(MapError):
        load_map(tmp_path / "map")


def test_files_with_numbers_that_are_none_are_refused(tmp_path):
    save_map(tmp_path / "map", ViewMap(torch.ones(1, 1, 2, 2, 2), torch.full((1, 1, 3), np.nan)))
    with pytest.raises(MapError, match="not finite"):
        load_map(tmp_path / "map")


def test_what_half_precision_cannot_hold_is_refused():
    for value in (1e6, float("nan")):
        with pytest.raises(MapError, match="65504"):
            encode_map(ViewMap(torch.full((1, 1, 2, 2, 2), value), torch.zeros(1, 1, 3)))
    with pytest.raises(MapError, match="one place"):
        encode_map(ViewMap(torch.zeros(2, 1, 2, 2, 2), torch.zeros(2, 1, 3)))


def test_files_keep_records_and_those_without_are_read(tmp_path):
    view_map = ViewMap(
        torch.ones(1, 2, 4, 2, 2),
        torch.zeros(1, 2, 3),
        (0.0, 1.0, 0.0, 1.0),
        "w",
        (ViewRecord(3, "a"), ViewRecord(5, "b")),
    )
    save_map(tmp_path / "map", view_map)
    assert_equal(load_map(tmp_path / "map"), view_map)
    # As files were written before: float32, and nothing about single views.
    from safetensors.torch import load_file, save_file

    tensors = {name: value.float() for name, value in load_file(tmp_path / "map").items()}
    metadata = {"kind": "dmn-view-map", "convention_version": "1", "weights_fingerprint": "w"}
    save_file(tensors, tmp_path / "old", metadata={**metadata, "area_m": "[0, 1, 0, 1]"})
    old = load_map(tmp_path / "old")
    assert torch.equal(old.embeddings, view_map.embeddings)
    assert old.records == ()


def test_the_shipped_map_is_small_and_as_good_as_in_single_precision():
    """At most a tenth of single precision, log-likelihoods within a thousandth of their range."""
    localizer = load_localizer(default_weights_path(), device="cpu")
    views = views_from_bag(BAG, MappingSettings(), localizer.network.config.camera)
    view_map = localizer.build_map(views)
    packed = encode_map(view_map)
    assert_equal(decode_map(packed), view_map)
    assert len(packed) / view_map.n_views < 0.1 * 4 * view_map.embeddings[0, 0].numel()

    network = localizer.network
    with torch.inference_mode():
        images = to_network_input(torch.from_numpy(views.images[:, ::1]))
        exact = ViewMap(network.encode_views(images[None]), view_map.poses_map_camera)
        localizer.use_map(view_map)
        belief = localizer.start(Everywhere(particles=256), localizer.generator(0))
        query = network.encode_query(images[3:4])
        likelihoods = [
            network.log_likelihood(network.prepare_map(m), query, belief.poses_map_base)
            for m in (exact, view_map)
        ]
    off = (likelihoods[0] - likelihoods[1]).abs().max().item()
    assert 0 < off < 0.01
    assert off < 1e-3 * (likelihoods[0].max() - likelihoods[0].min()).item()
