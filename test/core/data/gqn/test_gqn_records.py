"""Records and examples: whole ones come out, damaged ones are told of."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest

from dmn_core.data.gqn.example import parse_scene
from dmn_core.data.gqn.protobuf_wire import fields
from dmn_core.data.gqn.tfrecord import read_records
from dmn_core.errors import DataError

PAYLOADS = [b"first", b"", b"third" * 100]


def test_records_come_in_order_and_without_a_warning(shards) -> None:
    path = shards.write("a.tfrecord", PAYLOADS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(read_records(path)) == PAYLOADS


def test_the_checksum_is_the_published_one(shards) -> None:
    # RFC 3720 gives 0x8A9136AA for 32 bytes of zero; rotated by 15 bits, 0xA282EAD8 is added.
    assert shards.record(bytes(32))[-4:] == struct.pack("<I", 0x0FD7FFFA)


@pytest.mark.parametrize("cut", [1, 4, 5, 400, 509, 515])
def test_a_cut_file_gives_what_is_whole(shards, cut) -> None:
    path = shards.write("0007-of-1080.tfrecord", PAYLOADS, cut=cut)
    with pytest.warns(UserWarning, match=r"0007-of-1080.*record 2 is cut short.*2 records were"):
        assert list(read_records(path)) == PAYLOADS[:2]


def test_a_wrong_checksum_leaves_out_one_record(shards) -> None:
    path = shards.write("a.tfrecord", PAYLOADS)
    content = bytearray(path.read_bytes())
    content[13] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"a\.tfrecord: record 0 has a wrong checksum.*left out"):
        assert list(read_records(path)) == PAYLOADS[1:]


def test_a_damaged_length_ends_the_file(shards) -> None:
    path = shards.write("a.tfrecord", PAYLOADS)
    content = bytearray(path.read_bytes())
    content[16 + len(PAYLOADS[0])] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="record 1 has a damaged length.*1 records were read"):
        assert list(read_records(path)) == PAYLOADS[:1]


def test_an_error_page_is_no_tfrecord(shards) -> None:
    path = shards.write("a.tfrecord", [])
    path.write_text("<html>this object needs a login</html>")
    with pytest.warns(UserWarning, match="no TFRecord file"):
        assert list(read_records(path)) == []
    with pytest.raises(DataError, match="cannot read"):
        list(read_records(path.parent / "missing.tfrecord"))


def test_an_empty_file_is_told_of(shards) -> None:
    path = shards.write("0003-of-1080.tfrecord", [])
    with pytest.warns(UserWarning, match=r"0003-of-1080.*wanted records, got an empty file"):
        assert list(read_records(path)) == []


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("frames", [1, 10, 300])
def test_a_scene_comes_out_as_it_was_written(shards, packed, frames) -> None:
    rng = np.random.default_rng(frames)
    cameras = rng.normal(size=(frames, 5)).astype(np.float32)
    pictures = [rng.bytes(int(rng.integers(1, 300))) for _ in range(frames)]
    scene = parse_scene(shards.example(pictures, cameras.ravel().tolist(), packed=packed))
    assert scene.frames == pictures
    np.testing.assert_array_equal(scene.cameras, cameras)
    assert scene.cameras.dtype == np.float32


@pytest.mark.parametrize(("frames", "numbers"), [(2, 9), (2, 11), (2, 0), (0, 0), (2, 14)])
def test_five_numbers_a_frame_are_wanted(shards, frames, numbers) -> None:
    payload = shards.example([b"x"] * frames, [0.0] * numbers)
    with pytest.raises(DataError, match=f"5 camera numbers.*got {numbers} for {frames} frames"):
        parse_scene(payload)


def test_other_content_is_refused(shards) -> None:
    with pytest.raises(DataError, match=r"wants the features 'cameras' and 'frames', got \[\]"):
        parse_scene(b"")
    with pytest.raises(DataError, match="finite"):
        parse_scene(shards.example([b"x"], [0.0, float("nan"), 0.0, 0.0, 0.0]))
    whole = shards.example([b"picture"], [0.0] * 5)
    for stop in range(1, len(whole)):
        with pytest.raises(DataError):
            parse_scene(whole[:stop])


def test_every_kind_of_field_is_read() -> None:
    message = (
        b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d\0\0\x80\x3f" + b"\x21" + struct.pack("<d", 2.5)
    )
    got = [(n, v if isinstance(v, int) else bytes(v)) for n, v in fields(message)]
    assert got == [(1, 150), (2, b"hi"), (3, struct.pack("<f", 1)), (4, struct.pack("<d", 2.5))]
    with pytest.raises(DataError, match="wire type"):
        list(fields(b"\x0b"))
    with pytest.raises(DataError, match="longer than ten"):
        list(fields(b"\x08" + b"\xff" * 12))
