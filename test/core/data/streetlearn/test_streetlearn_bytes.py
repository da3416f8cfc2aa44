"""Records of StreetLearn byte by byte, with nothing of the project's own writer in them."""

from __future__ import annotations

import struct
from pathlib import Path

import plyvel

from dmn_core.data.streetlearn.database import read_panoramas
from dmn_core.data.streetlearn.panorama import Panorama, Place, to_message
from dmn_core.data.streetlearn.schema import Pano


def varint(value: int) -> bytes:
    parts = []
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def message(number: int, content: bytes) -> bytes:
    """A field of text, bytes or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def latlng(latitude: float, longitude: float) -> bytes:
    return double(1, latitude) + double(2, longitude)


def neighbour(name: bytes, latitude: float, longitude: float, date: bytes) -> bytes:
    """A PanoNeighbor: id, coords, pano_date, snapped_coords."""
    return (
        message(1, name)
        + message(2, latlng(latitude, longitude))
        + message(3, date)
        + message(4, latlng(latitude + 1e-6, longitude))
    )


IMAGE = bytes(range(256))
RECORD = b"".join(
    [
        message(1, b"here"),
        message(3, b"Broadway"),
        message(9, latlng(40.75, -73.99)),
        double(10, 12.5),
        double(11, 1.0),
        double(12, 2.0),
        double(13, 29.0),
        message(14, b"2019-06"),
        message(16, IMAGE),
        message(17, neighbour(b"north", 40.751, -73.99, b"2019-06")),
        message(17, neighbour(b"south", 40.749, -73.99, b"2019-06")),
        message(18, neighbour(b"earlier", 40.75, -73.99, b"2014-01")),
        message(19, latlng(40.7501, -73.9901)),
    ]
)
EXPECTED = Panorama(
    "here",
    Place(40.75, -73.99, "2019-06"),
    29.0,
    IMAGE,
    neighbours=("north", "south"),
    temporal_neighbours=("earlier",),
    altitude_m=12.5,
    roll_deg=1.0,
    pitch_deg=2.0,
    street_name="Broadway",
)


def test_a_record_is_read_with_its_neighbours(tmp_path: Path) -> None:
    with plyvel.DB(str(tmp_path), create_if_missing=True) as database:
        database.put(b"here", RECORD)
    assert list(read_panoramas(tmp_path)) == [EXPECTED]


def test_fields_17_to_19_are_neighbours_those_of_other_visits_and_the_street() -> None:
    read = Pano.FromString(RECORD)
    assert [one.id for one in read.neighbor] == ["north", "south"]
    first, (earlier,) = read.neighbor[0], read.temporal_neighbor
    assert (first.coords.lat, first.pano_date) == (40.751, "2019-06")
    assert (earlier.id, earlier.pano_date) == ("earlier", "2014-01")
    assert earlier.snapped_coords.lat == 40.75 + 1e-6
    assert (read.snapped_coords.lat, read.snapped_coords.lng) == (40.7501, -73.9901)


def test_what_is_written_has_these_bytes() -> None:
    """But for what the project does not know: the points snapped to the street."""
    places = {
        "north": Place(40.751, -73.99, "2019-06"),
        "south": Place(40.749, -73.99, "2019-06"),
        "earlier": Place(40.75, -73.99, "2014-01"),
    }
    known = Pano.FromString(RECORD)
    known.ClearField("snapped_coords")
    for other in (*known.neighbor, *known.temporal_neighbor):
        other.ClearField("snapped_coords")
    assert to_message(EXPECTED, places).SerializeToString() == known.SerializeToString()
