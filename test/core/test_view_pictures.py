"""Small pictures of views: they survive files and merging, and lie side by side in a sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dmn_core.errors import MapError
from dmn_core.map_codec import decode_map, encode_map
from dmn_core.map_editing import merge_maps, select
from dmn_core.map_file import load_map, save_map
from dmn_core.view_pictures import TILE, from_picture_png, to_picture_png, view_sheet
from dmn_core.views import ViewMap, ViewRecord, in_half_precision


def picture(colour, height=32, width=32):
    return np.full((height, width, 3), colour, np.uint8)


def pictured_map(views=3):
    generator = torch.Generator().manual_seed(0)
    records = tuple(
        ViewRecord(n + 1, "r", to_picture_png(picture((80 * n, 10, 200)))) for n in range(views)
    )
    embeddings = in_half_precision(torch.rand(1, views, 4, 2, 2, generator=generator))
    poses = torch.rand(1, views, 3, generator=generator)
    return ViewMap(embeddings, poses, (-5.0, 5.0, -5.0, 5.0), "f", records)


def pictures(view_map):
    return [record.picture_png for record in view_map.records]


def test_small_images_are_kept_to_the_pixel_and_large_ones_shrink():
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    assert np.array_equal(from_picture_png(to_picture_png(image)), image)
    assert from_picture_png(to_picture_png(picture((1, 2, 3), 480, 640))).shape == (48, 64, 3)
    assert from_picture_png(b"") is None
    assert from_picture_png(b"no picture") is None


def test_a_map_file_keeps_them_and_a_message_does_not(tmp_path: Path):
    view_map = pictured_map()
    mixed = replace(
        view_map, records=(replace(view_map.records[0], picture_png=b""), *view_map.records[1:])
    )
    for number, one in enumerate((view_map, mixed)):
        path = tmp_path / f"{number}.safetensors"
        save_map(path, one)
        assert pictures(load_map(path)) == pictures(one)
    plain = replace(view_map, records=tuple(replace(r, picture_png=b"") for r in view_map.records))
    assert encode_map(view_map) == encode_map(plain)
    assert pictures(decode_map(encode_map(view_map))) == [b"", b"", b""]


def test_pictures_of_another_number_of_views_are_refused(tmp_path: Path, monkeypatch):
    path = tmp_path / "map.safetensors"
    monkeypatch.setattr("dmn_core.map_file.records_to_json", lambda records: '[[1, "r"]]')
    save_map(path, pictured_map())
    with pytest.raises(MapError, match="pictures"):
        load_map(path)


def test_merging_keeps_a_picture_that_one_of_the_maps_has():
    view_map = pictured_map()
    bare = decode_map(encode_map(view_map))
    for maps in ((view_map, bare), (bare, view_map)):
        assert pictures(merge_maps(maps)) == pictures(view_map)
    assert pictures(select(view_map, [2])) == [pictures(view_map)[2]]


def test_the_sheet_shows_each_picture_in_its_place():
    sheet = view_sheet(pictures(pictured_map()))
    assert sheet is not None
    assert sheet.shape == (2 * (TILE + 4) + 4, 2 * (TILE + 4) + 4, 3)
    middle = TILE // 2
    for number in range(3):
        top, left = 4 + number // 2 * (TILE + 4), 4 + number % 2 * (TILE + 4)
        assert tuple(sheet[top + middle, left + middle]) == (80 * number, 10, 200)
    assert view_sheet([b"", b""]) is None
