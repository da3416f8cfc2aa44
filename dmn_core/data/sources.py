"""Every source of data by its name, listed once: a new one is used everywhere by being listed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Literal, cast

from dmn_core.cameras.network_camera import BY_SHAPE, FieldOfView
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import ConfigurationError

Split = Literal["train", "validation", "test"]
ImageSize = tuple[int, int]
SMALL: ImageSize = (32, 32)
ROOMS_VIEW_DEG: FieldOfView = (50.0, 50.0)
PANORAMA: ImageSize = (104, 208)  # paper section V-A: height and width for Street View

SourceName = Literal[
    "mazes",
    "mazes-varied",
    "rooms",
    "streets",
    "gqn-mazes",
    "gqn-rooms-ring-camera",
    "gqn-rooms-free-camera-no-object-rotations",
    "gqn-rooms-free-camera-with-object-rotations",
    "streetlearn",
    "bags",
]


@dataclass(frozen=True)
class DataConfig:
    """Which places to learn from, or to evaluate in.

    Attributes:
        data: name of the source.
        root: folder of the published data (`gqn-*`, `streetlearn`) as it was downloaded.
        bag: recordings of a robot; given alone they are the source, `bags`.
        topics: where images and poses of these recordings are.
        environments: how many places; 0 for as many as the source thinks right for the split.
        views: of each place, where they are drawn by us; 0 for the source's own number.
        render_workers: processes that render what is not in the cache yet.
    """

    data: SourceName = "mazes"
    root: str = ""
    bag: tuple[str, ...] = ()
    topics: ViewTopics = field(default_factory=ViewTopics)
    environments: int = 0
    views: int = 0
    render_workers: int = 2

    def __post_init__(self) -> None:
        """Refuse a source that is not told where its data is, or told of another's."""
        if self.data not in SOURCES:
            raise ConfigurationError(f"data wants one of {sorted(SOURCES)!r}, got {self.data!r}")
        needs = SOURCES[self.data].needs
        if self.bag and not needs:
            # Simulated worlds are what is learned from where nothing else is at hand.
            object.__setattr__(self, "data", "bags")
        if needs and not getattr(self, needs):
            raise ConfigurationError(
                f"data {self.data!r} wants --{needs}, got none: "
                + ("give the folder of the download" if needs == "root" else "give recordings")
            )
        if self.bag and self.data != "bags":
            raise ConfigurationError(
                f"--bag is for data 'bags', got data {self.data!r}: leave one of them out"
            )
        if min(self.environments, self.views) < 0 or self.render_workers < 1:
            raise ConfigurationError(
                "environments and views want 0 or more, render_workers 1 or more, got "
                f"{self.environments!r}, {self.views!r} and {self.render_workers!r}"
            )


@dataclass(frozen=True)
class Source:
    """Where a source is read and what its images are.

    Attributes:
        module: with `load(config, split, image_size) -> EnvironmentSet`; imported when used.
        image_size: height and width [pixels] that the paper, or the sensor, gives it.
        needs: the option of `DataConfig` that says where the data is.
        description: in one line.
        one_by_one: whether its worlds are rendered one after the other, so that there may be any
            number of them, and the first ones stay the same.
        field_of_view_deg: of its camera, horizontal and vertical; 0, 0 for 90 degrees both ways,
            and for panoramas all around.
    """

    module: str
    image_size: ImageSize
    description: str
    needs: Literal["", "root", "bag"] = ""
    field_of_view_deg: FieldOfView = BY_SHAPE
    one_by_one: bool = False


SOURCES: dict[str, Source] = {
    "mazes": Source("dmn_core.data.simulated_mazes", SMALL, "simulated mazes", one_by_one=True),
    "mazes-varied": Source(
        "dmn_core.data.simulated_mazes",
        SMALL,
        "simulated mazes, each in its own look",
        one_by_one=True,
    ),
    "rooms": Source(
        "dmn_core.data.simulated_rooms",
        SMALL,
        "simulated rooms with objects",
        field_of_view_deg=ROOMS_VIEW_DEG,
        one_by_one=True,
    ),
    "streets": Source("dmn_core.data.simulated_streets", PANORAMA, "simulated streets"),
    "gqn-mazes": Source("dmn_core.data.gqn", SMALL, "the published Mazes", "root"),
    "gqn-rooms-ring-camera": Source(
        "dmn_core.data.gqn", SMALL, "the published Rooms", "root", ROOMS_VIEW_DEG
    ),
    "gqn-rooms-free-camera-no-object-rotations": Source(
        "dmn_core.data.gqn", SMALL, "the published Rooms, free camera", "root", ROOMS_VIEW_DEG
    ),
    "gqn-rooms-free-camera-with-object-rotations": Source(
        "dmn_core.data.gqn",
        SMALL,
        "the published Rooms, free camera, turned objects",
        "root",
        ROOMS_VIEW_DEG,
    ),
    "streetlearn": Source("dmn_core.data.streetlearn", PANORAMA, "StreetLearn, Manhattan", "root"),
    "bags": Source("dmn_core.data.bag_environments", SMALL, "recordings of a robot", "bag"),
}


def load_environments(
    config: DataConfig, split: Split, *, image_size: ImageSize | None = None
) -> EnvironmentSet:
    """The places of one split, which no other split has.

    Recordings (`bags`) are the exception: there splits share places and contexts, and each asks
    for views that the others do not ask for.

    Args:
        config: which.
        split: `train`, `validation` or `test`.
        image_size: height and width [pixels]; the source's own if None.

    Raises:
        DmnError: the data cannot be read or made; the message says what to do.
    """
    source = SOURCES[config.data]
    module = importlib.import_module(source.module)
    return cast(EnvironmentSet, module.load(config, split, image_size or source.image_size))
