"""StreetLearn databases written for tests: the format's own tiny one, and a dense little city."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from dmn_core.data.streetlearn.geodesy import degrees_at
from dmn_core.data.streetlearn.panorama import Panorama, Place
from dmn_core.data.streetlearn.splits import SPLIT_LONGITUDE_DEG
from dmn_core.data.streetlearn.writer import write_panoramas


class Streets:
    """Makes panoramas; those of the city tell their number by their colour."""

    latitude_deg = 40.75
    size = (8, 16)  # of images, height and width
    step_m = 8.0  # between panoramas of the city

    @staticmethod
    def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
        return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()

    @staticmethod
    def number_of(images: np.ndarray) -> np.ndarray:
        """The numbers (...) that images (..., H, W, 3) tell."""
        return images[..., 0, 0, 0].astype(int) * 256 + images[..., 0, 0, 1]

    @classmethod
    def tiny(cls) -> list[Panorama]:
        """What the published engine tests itself with: ten panoramas on a line."""
        image = cls.encoded(np.full((48, 64, 3), (16, 32, 64), dtype=np.uint8))
        return [
            Panorama(
                str(i),
                Place(51.530589522519 + 0.001 * i, -0.12275015773299 + 0.001 * i, "12/12/2012"),
                -9.98770,
                image,
                neighbours=tuple(str(j) for j in (i + 1, i - 1) if 1 <= j <= 10),
                roll_deg=3.335879,
                pitch_deg=12.23486,
            )
            for i in range(1, 11)
        ]

    @classmethod
    def city_places(cls) -> np.ndarray:
        """Places (V, 2) [m] of a grid astride the longitude that splits, x east of it."""
        x = (np.arange(30) - 14.5) * cls.step_m
        y = np.arange(20) * cls.step_m
        return np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)

    @classmethod
    def city(cls, *, dates: tuple[str, ...]) -> Iterator[Panorama]:
        """A panorama at every place at every date; its heading [deg] is its number."""
        xy = cls.city_places()
        latitude, longitude = degrees_at(
            xy, from_latitude_deg=cls.latitude_deg, from_longitude_deg=SPLIT_LONGITUDE_DEG
        )
        for number in range(len(dates) * len(xy)):
            visit, i = divmod(number, len(xy))
            place = Place(float(latitude[i]), float(longitude[i]), dates[visit])
            colour = (number // 256, number % 256, 7)
            image = np.full((*cls.size, 3), colour, dtype=np.uint8)
            yield Panorama(str(number), place, number % 360, cls.encoded(image))

    @classmethod
    def write_city(cls, path: Path, *, dates: tuple[str, ...] = ("",)) -> None:
        write_panoramas(path, cls.city(dates=dates))


@pytest.fixture(scope="session")
def streets() -> Streets:
    return Streets()
