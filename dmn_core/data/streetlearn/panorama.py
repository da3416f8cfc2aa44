"""A panorama of a street: where, when and which way it was taken, and its picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dmn_core.data.streetlearn.schema import Pano


@dataclass(frozen=True)
class Place:
    """Where and when a panorama was taken: what its neighbours know of it.

    Attributes:
        latitude_deg: north positive.
        longitude_deg: east positive.
        date: of the visit, such as "2019-06", so that text sorts as time does; empty if unknown.
    """

    latitude_deg: float
    longitude_deg: float
    date: str = ""


@dataclass(frozen=True)
class Panorama:
    """One record of a StreetLearn database.

    Attributes:
        id: name, unique in the database.
        place: where and when.
        heading_deg: where the centre column of the image looks, clockwise from north.
        image_bytes: JPEG or PNG, RGB, equirectangular: the full circle across, right is clockwise,
            from zenith to nadir.
        neighbours: ids of the next panoramas along the streets, of the same visit.
        temporal_neighbours: ids of panoramas of the same place at other visits.
        altitude_m: above the WGS84 ellipsoid.
        roll_deg: of the camera; ignored, as the published engine does.
        pitch_deg: likewise.
        street_name: for people.
    """

    id: str
    place: Place
    heading_deg: float
    image_bytes: bytes
    neighbours: tuple[str, ...] = ()
    temporal_neighbours: tuple[str, ...] = ()
    altitude_m: float = 0.0
    roll_deg: float = 0.0
    pitch_deg: float = 0.0
    street_name: str = ""


def from_message(message: Any) -> Panorama:
    """The panorama of a `schema.Pano`."""
    return Panorama(
        id=message.id,
        place=Place(message.coords.lat, message.coords.lng, message.pano_date),
        heading_deg=message.heading_deg,
        image_bytes=message.compressed_image,
        neighbours=tuple(other.id for other in message.neighbor),
        temporal_neighbours=tuple(other.id for other in message.temporal_neighbor),
        altitude_m=message.alt,
        roll_deg=message.roll_deg,
        pitch_deg=message.pitch_deg,
        street_name=message.street_name,
    )


def to_message(panorama: Panorama, places: Mapping[str, Place]) -> Any:
    """The `schema.Pano` of a panorama; `places` says of its neighbours, by id, where they are."""
    message = Pano(
        id=panorama.id,
        street_name=panorama.street_name,
        alt=panorama.altitude_m,
        roll_deg=panorama.roll_deg,
        pitch_deg=panorama.pitch_deg,
        heading_deg=panorama.heading_deg,
        pano_date=panorama.place.date,
        compressed_image=panorama.image_bytes,
    )
    set_coords(message.coords, panorama.place.latitude_deg, panorama.place.longitude_deg)
    _add_neighbours(message.neighbor, panorama.neighbours, places)
    _add_neighbours(message.temporal_neighbor, panorama.temporal_neighbours, places)
    return message


def _add_neighbours(field: Any, names: Iterable[str], places: Mapping[str, Place]) -> None:
    for name in names:
        neighbour = field.add(id=name)
        if (place := places.get(name)) is not None:
            neighbour.pano_date = place.date
            set_coords(neighbour.coords, place.latitude_deg, place.longitude_deg)


def set_coords(coords: Any, latitude_deg: float, longitude_deg: float) -> None:
    """Fill a `LatLng`."""
    coords.lat, coords.lng = latitude_deg, longitude_deg
