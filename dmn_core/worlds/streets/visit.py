"""What changes between two visits to a city: light, season, and the cars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmn_core.worlds.streets.shapes import Colour

Rgb = tuple[float, float, float]

VISITS = 2


@dataclass(frozen=True)
class Season:
    """What a time of the year does to a street.

    Attributes:
        name: of it.
        months: in which it falls.
        leaves: colours of foliage, of which each tree has one; none when trees are bare.
        leaf_litter: share of the sidewalks under fallen leaves.
        snow: share of the ground that is white.
        grass: colour of parks.
    """

    name: str
    months: tuple[int, ...]
    leaves: tuple[Colour, ...]
    leaf_litter: float
    snow: float
    grass: Colour


SEASONS = (
    Season("spring", (4, 5), ((122, 172, 70), (150, 190, 90), (236, 178, 200)), 0.0, 0.0,
           (112, 160, 70)),
    Season("summer", (6, 7, 8), ((48, 110, 44), (62, 126, 50), (80, 124, 60)), 0.0, 0.0,
           (92, 134, 58)),
    Season("autumn", (10, 11), ((206, 132, 36), (190, 74, 32), (214, 178, 60)), 0.3, 0.0,
           (140, 132, 66)),
    Season("winter", (1, 2), (), 0.0, 0.65, (150, 150, 120)),
)  # fmt: skip


@dataclass(frozen=True)
class Light:
    """A time of day.

    Attributes:
        name: of it.
        azimuth_deg: where the sun stands, as a compass has it.
        elevation_deg: how high it stands.
        sun, ambient: what comes from it, and from everywhere, in red, green and blue.
        zenith, horizon: colours of the sky.
        clouds: share of the sky that is covered.
    """

    name: str
    azimuth_deg: float
    elevation_deg: float
    sun: Rgb
    ambient: Rgb
    zenith: Colour
    horizon: Colour
    clouds: float


LIGHTS = (
    Light("morning", 105.0, 24.0, (0.60, 0.53, 0.40), (0.62, 0.63, 0.67), (96, 148, 214),
          (226, 222, 206), 0.2),
    Light("noon", 180.0, 58.0, (0.56, 0.55, 0.51), (0.70, 0.71, 0.73), (66, 128, 214),
          (190, 212, 232), 0.25),
    Light("evening", 262.0, 16.0, (0.70, 0.45, 0.24), (0.58, 0.54, 0.56), (88, 112, 170),
          (248, 196, 140), 0.35),
    Light("overcast", 200.0, 50.0, (0.10, 0.10, 0.10), (0.80, 0.82, 0.85), (182, 188, 196),
          (214, 216, 218), 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """One drive through a city on one day.

    Attributes:
        number: 0 for the first, the mapping visit.
        year, month: when, for the records.
        season, light: what they do.
        occupied: share of the parking places that are taken.
        seed: of cars, clouds and everything else that is new each time.
    """

    number: int
    year: int
    month: int
    season: Season
    light: Light
    occupied: float
    seed: int

    @property
    def date(self) -> str:
        """Year and month, as StreetLearn writes them."""
        return f"{self.year}-{self.month:02d}"


def draw_visits(city_seed: int, count: int = VISITS) -> tuple[Visit, ...]:
    """Draw the visits to a city, in the order of their dates; season and light differ."""
    rng = np.random.default_rng([city_seed, 2])
    seasons, lights = rng.permutation(len(SEASONS)), rng.permutation(len(LIGHTS))
    first_year = int(rng.integers(2008, 2016))
    visits = []
    for number in range(count):
        season = SEASONS[seasons[number % len(seasons)]]
        visits.append(
            Visit(
                number,
                first_year + number * int(rng.integers(1, 4)),
                int(rng.choice(season.months)),
                season,
                _jittered(LIGHTS[lights[number % len(lights)]], rng),
                float(rng.uniform(0.35, 0.85)),
                int(rng.integers(2**31)),
            )
        )
    return tuple(visits)


def _jittered(light: Light, rng: np.random.Generator) -> Light:
    """The same time of day on some day of the year."""
    bright = float(rng.uniform(0.85, 1.12))
    return Light(
        light.name,
        light.azimuth_deg + float(rng.uniform(-20, 20)),
        float(np.clip(light.elevation_deg + rng.uniform(-8, 8), 10, 70)),
        _scaled(light.sun, bright),
        _scaled(light.ambient, bright),
        light.zenith,
        light.horizon,
        float(np.clip(light.clouds + rng.uniform(-0.15, 0.15), 0, 1)),
    )


def _scaled(rgb: Rgb, factor: float) -> Rgb:
    red, green, blue = rgb
    return red * factor, green * factor, blue * factor
