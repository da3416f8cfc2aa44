"""Messages to pictures and poses, against expectations built by numpy alone."""

from __future__ import annotations

import array
import math
import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dmn_core.data.ros_decoding import (
    KNOWN_ENCODINGS,
    compressed_image_to_rgb,
    image_to_rgb,
)
from dmn_core.errors import DecodingError

HEIGHT, WIDTH = 6, 10


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def message(encoding: str, values: np.ndarray, *, padding: int = 0, big: bool = False):
    """A `sensor_msgs/Image` of values (H, W[, C]), rows followed by `padding` bytes of noise."""
    height, width = values.shape[:2]
    stored = values.astype(values.dtype.newbyteorder(">" if big else "<"))
    rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(height, -1)
    noise = np.random.default_rng(9).integers(0, 256, (height, padding), dtype=np.uint8)
    data = np.concatenate([rows, noise], axis=1)
    return SimpleNamespace(
        encoding=encoding,
        height=height,
        width=width,
        step=data.shape[1],
        is_bigendian=int(big),
        data=data.reshape(-1),
    )


def with_alpha(image: np.ndarray, opaque: int) -> np.ndarray:
    return np.concatenate([image, np.full((*image.shape[:2], 1), opaque, image.dtype)], axis=2)


def grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None], 3, axis=2)


RGB = picture()
WIDE = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)
NARROW = np.rint(WIDE / 257.0).astype(np.uint8)
CASES = {
    "rgb8": (RGB, RGB),
    "bgr8": (RGB[..., ::-1], RGB),
    "rgba8": (with_alpha(RGB, 7), RGB),
    "bgra8": (with_alpha(RGB[..., ::-1], 7), RGB),
    "mono8": (RGB[..., 0], grey(RGB[..., 0])),
    "8UC1": (RGB[..., 0], grey(RGB[..., 0])),
    "8UC3": (RGB[..., ::-1], RGB),
    "8UC4": (with_alpha(RGB[..., ::-1], 7), RGB),
    "rgb16": (WIDE, NARROW),
    "bgr16": (WIDE[..., ::-1], NARROW),
    "rgba16": (with_alpha(WIDE, 7), NARROW),
    "bgra16": (with_alpha(WIDE[..., ::-1], 7), NARROW),
    "mono16": (WIDE[..., 0], grey(NARROW[..., 0])),
    "16UC1": (WIDE[..., 0], grey(NARROW[..., 0])),
}


@pytest.mark.parametrize("padding", [0, 1, 13])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("encoding", sorted(CASES))
def test_plain_encodings(encoding: str, big: bool, padding: int) -> None:
    values, expected = CASES[encoding]
    got = image_to_rgb(message(encoding, np.ascontiguousarray(values), padding=padding, big=big))
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, expected)


def test_every_known_encoding_has_a_test() -> None:
    bayer = {name for name in KNOWN_ENCODINGS if name.startswith("bayer_")}
    assert len(bayer) == 8
    assert set(KNOWN_ENCODINGS) == set(CASES) | bayer | set(YUV) | set(PLANAR)


def test_the_document_lists_every_known_encoding() -> None:
    page = (Path(__file__).parents[3] / "docs" / "ros_interface.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(r"^\*\*Encodings\.\*\*.*?^$", page, re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", paragraph)) - {"dropped_undecodable"}
    assert named == set(KNOWN_ENCODINGS)


def smooth_picture(height: int = 48, width: int = 64) -> np.ndarray:
    """A colour picture whose channels differ and change slowly."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 200 - 60 * y / height
    green = 90 + 50 * x / width
    blue = 30 + 20 * np.sin(2 * math.pi * (x + y) / 64)
    return np.rint(np.stack([red, green, blue], axis=-1)).astype(np.uint8)


def mosaic(image: np.ndarray, pattern: str) -> np.ndarray:
    """What a sensor whose top left 2x2 pixels are `pattern` sees of an RGB picture."""
    raw = np.empty(image.shape[:2], image.dtype)
    for index, colour in enumerate(pattern):
        row, column = divmod(index, 2)
        raw[row::2, column::2] = image[row::2, column::2, "rgb".index(colour)]
    return raw


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_mosaics_come_back(pattern: str, padding: int) -> None:
    image = smooth_picture()
    got = image_to_rgb(message(f"bayer_{pattern}8", mosaic(image, pattern), padding=padding))
    error = np.abs(got.astype(int) - image.astype(int))[2:-2, 2:-2]
    assert error.max() <= 4
    wide = image.astype(np.uint16) * 257
    for big in (False, True):
        raw = message(f"bayer_{pattern}16", mosaic(wide, pattern), padding=padding, big=big)
        np.testing.assert_array_equal(image_to_rgb(raw), got)


YUV = {"yuv422": "uyvy", "uyvy": "uyvy", "yuv422_yuy2": "yuyv", "yuyv": "yuyv"}


@pytest.mark.parametrize("encoding", sorted(YUV))
def test_packed_yuv(encoding: str) -> None:
    red = np.array([255, 0, 0], dtype=np.float64)
    luma = 16 + np.dot([0.2568, 0.5041, 0.0979], red)
    blue_chroma = 128 + np.dot([-0.1482, -0.2910, 0.4392], red)
    red_chroma = 128 + np.dot([0.4392, -0.3678, -0.0714], red)
    values = {"y": luma, "u": blue_chroma, "v": red_chroma}
    two_pixels = [round(values[letter]) for letter in YUV[encoding]]
    raw = np.tile(np.array(two_pixels, np.uint8).reshape(1, 2, 2), (4, 3, 1))
    got = image_to_rgb(message(encoding, raw)).astype(int)
    assert got.shape == (4, 6, 3)
    assert np.abs(got - red).max() <= 3


PLANAR = {"nv12": "uv", "nv21": "vu"}


def studio_rgb(y: float, u: float, v: float) -> list[float]:
    """ITU-R BT.601 with 16 to 235 for black to white, as cameras and video have it."""
    luma = 255 / 219 * (y - 16)
    red = luma + 255 / 112 * 0.701 * (v - 128)
    blue = luma + 255 / 112 * 0.886 * (u - 128)
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return [red, green, blue]


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", sorted(PLANAR))
def test_planes_of_brightness_and_colour(encoding: str, padding: int) -> None:
    rng = np.random.default_rng(4)
    luma = rng.integers(90, 160, (HEIGHT, WIDTH)).astype(np.uint8)
    chroma = rng.integers(110, 146, (2, HEIGHT // 2, WIDTH // 2)).astype(np.uint8)
    order = ["uv".index(letter) for letter in PLANAR[encoding]]
    rows = np.concatenate([luma, np.stack(chroma[order], axis=-1).reshape(HEIGHT // 2, WIDTH)])
    data = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    image = message(encoding, luma)
    image.data, image.step = data.reshape(-1), WIDTH + padding
    u, v = (plane.repeat(2, axis=0).repeat(2, axis=1) for plane in chroma.astype(float))
    expected = np.moveaxis(studio_rgb(luma.astype(float), u, v), 0, -1)
    assert np.abs(image_to_rgb(image) - np.clip(expected, 0, 255)).max() < 2
    with pytest.raises(DecodingError, match="bytes of data"):
        image_to_rgb(SimpleNamespace(**{**vars(image), "data": rows.reshape(-1)[:-1]}))


def test_packed_yuv_of_odd_width_is_refused() -> None:
    with pytest.raises(DecodingError, match="even width"):
        image_to_rgb(message("yuv422", np.zeros((2, 3, 2), np.uint8)))


@pytest.mark.parametrize("make", [bytes, bytearray, lambda d: array.array("B", d.tobytes())])
def test_data_of_any_buffer_kind_gives_memory_of_its_own(make) -> None:
    msg = message("rgb8", RGB)
    msg.data = make(msg.data)
    got = image_to_rgb(msg)
    np.testing.assert_array_equal(got, RGB)
    got[:] = 0
    np.testing.assert_array_equal(image_to_rgb(msg), RGB)


@pytest.mark.parametrize("encoding", ["32FC1", "16SC1"])
def test_numbers_that_are_no_picture_are_refused(encoding: str) -> None:
    depth = message(encoding, np.zeros((4, 5), np.float32))
    with pytest.raises(DecodingError) as caught:
        image_to_rgb(depth)
    text = str(caught.value)
    assert repr(encoding) in text
    assert "5 x 4" in text
    assert "colour topic" in text
    assert all(name in text for name in KNOWN_ENCODINGS)


def test_unknown_encoding_names_the_known() -> None:
    with pytest.raises(DecodingError, match=r"'plasma9'.*known encodings: .*bayer_rggb8.*rgb8"):
        image_to_rgb(message("plasma9", RGB))


def test_sizes_that_disagree_are_refused() -> None:
    short = message("rgb8", RGB, padding=2)
    short.data = short.data[:-1]
    with pytest.raises(DecodingError, match=r"32 \* 6 = 192 bytes.*got 191"):
        image_to_rgb(short)
    narrow = message("rgb8", RGB)
    narrow.step = 29
    with pytest.raises(DecodingError, match="at least 30 bytes, got step 29"):
        image_to_rgb(narrow)
    empty = message("rgb8", RGB)
    empty.height = 0
    with pytest.raises(DecodingError, match=r"10 x 0 pixels.*at least one pixel"):
        image_to_rgb(empty)


def compressed(image: np.ndarray, extension: str, stated: str) -> SimpleNamespace:
    done, data = cv2.imencode(extension, image)
    assert done
    return SimpleNamespace(format=stated, data=data.reshape(-1).tobytes())


def test_compressed_png_is_exact_and_jpeg_is_near() -> None:
    image = smooth_picture()
    bgr = np.ascontiguousarray(image[..., ::-1])
    png = compressed(bgr, ".png", "rgb8; png compressed bgr8")
    np.testing.assert_array_equal(compressed_image_to_rgb(png), image)
    jpeg = compressed(bgr, ".jpg", "jpeg")
    error = np.abs(compressed_image_to_rgb(jpeg).astype(int) - image.astype(int))
    assert error.mean() < 3


def test_compressed_grey_alpha_wide_and_mosaic() -> None:
    image = smooth_picture()
    bgr = np.ascontiguousarray(image[..., ::-1])
    single = np.ascontiguousarray(image[..., 1])
    got = compressed_image_to_rgb(compressed(single, ".png", "mono8; png compressed "))
    np.testing.assert_array_equal(got, grey(single))
    got = compressed_image_to_rgb(compressed(with_alpha(bgr, 9), ".png", "png"))
    np.testing.assert_array_equal(got, image)
    got = compressed_image_to_rgb(compressed(bgr.astype(np.uint16) * 257, ".png", "rgb16; png"))
    np.testing.assert_array_equal(got, image)
    raw = compressed(mosaic(image, "grbg"), ".png", "bayer_grbg8; png compressed ")
    got = compressed_image_to_rgb(raw)
    assert np.abs(got.astype(int) - image.astype(int))[2:-2, 2:-2].max() <= 4
    # A mosaic that the camera's driver turned to colour before it was compressed.
    got = compressed_image_to_rgb(compressed(bgr, ".png", "bayer_grbg8; png compressed bgr8"))
    np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_a_compressed_image_cut_short_is_refused(extension: str) -> None:
    whole = compressed(picture(), extension, "x")
    for part in (whole.data[: len(whole.data) // 2], b"", b"no picture"):
        with pytest.raises(DecodingError, match="whole JPEG or PNG"):
            compressed_image_to_rgb(SimpleNamespace(format="x", data=part))


def test_compressed_depth_is_refused() -> None:
    depth = SimpleNamespace(format="16UC1; compressedDepth png", data=b"\0" * 40)
    with pytest.raises(DecodingError, match="compressed depth"):
        compressed_image_to_rgb(depth)


def test_a_header_of_an_absurd_size_is_refused() -> None:
    done, data = cv2.imencode(".jpg", smooth_picture())
    assert done
    raw = bytearray(data.reshape(-1).tobytes())
    # Height and width of the frame header, big endian, behind its marker, length and precision.
    place = raw.index(b"\xff\xc0") + 5
    raw[place : place + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(DecodingError, match="whole JPEG"):
        compressed_image_to_rgb(SimpleNamespace(format="jpeg", data=bytes(raw)))
