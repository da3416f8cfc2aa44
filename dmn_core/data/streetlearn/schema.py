"""The messages of the published StreetLearn databases, as protobuf classes made at import."""

from __future__ import annotations

from typing import Any

from dmn_core.errors import DataError

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError
except ImportError as error:
    raise DataError(
        "StreetLearn databases want the package protobuf, which is not installed: "
        "pip install 'dmn-localization[train]'"
    ) from error

__all__ = ["DecodeError", "Pano", "StreetLearnGraph"]

_PACKAGE = "streetlearn"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _FIELD.TYPE_DOUBLE,
    "int32": _FIELD.TYPE_INT32,  # enumerations too: equal on the wire
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}

# Numbers, names and types of the fields; a star marks a repeated one.
_MESSAGES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "LatLng": ((1, "lat", "double"), (2, "lng", "double")),
    "PanoNeighbor": (
        (1, "id", "string"),
        (2, "coords", "LatLng"),
        (3, "pano_date", "string"),
        (4, "snapped_coords", "LatLng"),
    ),
    "Pano": (
        (1, "id", "string"),
        (2, "address_language", "string"),
        (3, "street_name", "string"),
        (4, "full_address", "string"),
        (5, "description_language", "string"),
        (6, "description", "string"),
        (7, "region", "string"),
        (8, "country_code", "string"),
        (9, "coords", "LatLng"),
        (10, "alt", "double"),
        (11, "roll_deg", "double"),
        (12, "pitch_deg", "double"),
        (13, "heading_deg", "double"),
        (14, "pano_date", "string"),
        (15, "scene_type", "int32"),
        (16, "compressed_image", "bytes"),
        (17, "neighbor", "PanoNeighbor*"),
        (18, "temporal_neighbor", "PanoNeighbor*"),
        (19, "snapped_coords", "LatLng"),
    ),
    "PanoConnection": (
        (1, "id", "string"),
        (2, "subgraph_size", "int32"),
        (3, "neighbor", "string*"),
    ),
    "PanoTemporalConnection": ((1, "id", "string"), (3, "neighbor", "string*")),
    "StreetLearnGraph": (
        (1, "min_coords", "LatLng"),
        (2, "max_coords", "LatLng"),
        (3, "connection", "PanoConnection*"),
        (4, "temporal_connection", "PanoTemporalConnection*"),
        (5, "pano", "Pano*"),
    ),
}


def _field(number: int, name: str, kind: str) -> Any:
    repeated = kind.endswith("*")
    kind = kind.rstrip("*")
    return _FIELD(
        name=name,
        number=number,
        label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL,
        type=_SCALARS.get(kind, _FIELD.TYPE_MESSAGE),
        type_name=None if kind in _SCALARS else f".{_PACKAGE}.{kind}",
    )


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="streetlearn.proto",
        package=_PACKAGE,
        syntax="proto2",
        message_type=[
            descriptor_pb2.DescriptorProto(name=name, field=[_field(*field) for field in fields])
            for name, fields in _MESSAGES.items()
        ],
    )
    # A pool of our own: a program may have StreetLearn's generated classes in the common one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_MADE = _classes()
Pano = _MADE["Pano"]
StreetLearnGraph = _MADE["StreetLearnGraph"]
