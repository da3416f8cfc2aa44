"""Every source of data by its name, listed once: a new one is used everywhere by being listed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Literal, cast

from dmn_core.cameras.network_camera import BY_SHAPE, FieldOfView
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import ConfigurationError, DataError

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
        views: of each place; 0 for the source's own number. Not for StreetLearn, whose areas have
            the panoramas that were taken there.
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
        if self.views and not SOURCES[self.data].takes_views:
            raise ConfigurationError(
                f"data {self.data!r} wants views 0, got {self.views!r}: its places have the views "
                "that were taken there (leave --views out, or give --views 0)"
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
        module: with `load(config, split, image_size) -> EnvironmentSet`, and the keywords that it
            `takes`; imported when used.
        image_size: height and width [pixels] that the paper, or the sensor, gives it.
        needs: the option of `DataConfig` that says where the data is.
        description: in one line.
        one_by_one: whether its worlds are rendered one after the other, so that there may be any
            number of them, and the first ones stay the same.
        field_of_view_deg: of its camera, horizontal and vertical; 0, 0 for 90 degrees both ways,
            and for panoramas all around.
        takes: what else of `load_environments` its module is told.
        training_places: how many train where nothing else is asked for; 0 where only its data
            says it.
        views: how many a place has at the least, whatever the split, where nothing else is asked
            for; 0 where places differ.
        takes_views: whether `DataConfig.views` may change that.
        far_views: whether places have views from around the area too.
    """

    module: str
    image_size: ImageSize
    description: str
    needs: Literal["", "root", "bag"] = ""
    field_of_view_deg: FieldOfView = BY_SHAPE
    one_by_one: bool = False
    takes: tuple[Literal["field_of_view_deg", "at_most"], ...] = ()
    training_places: int = 0
    views: int = 0
    takes_views: bool = True
    far_views: bool = False


def _gqn(
    description: str,
    field_of_view_deg: FieldOfView = ROOMS_VIEW_DEG,
    places: int = 100_000,
    views: int = 10,
) -> Source:
    return Source(
        "dmn_core.data.gqn",
        SMALL,
        description,
        "root",
        field_of_view_deg,
        takes=("at_most",),
        training_places=places,
        views=views,
    )


SOURCES: dict[str, Source] = {
    "mazes": Source(
        "dmn_core.data.simulated_mazes",
        SMALL,
        "simulated mazes",
        one_by_one=True,
        training_places=1000,
        views=40,
    ),
    "mazes-varied": Source(
        "dmn_core.data.simulated_mazes",
        SMALL,
        "simulated mazes, each in its own look",
        one_by_one=True,
        training_places=1000,
        views=40,
    ),
    "rooms": Source(
        "dmn_core.data.simulated_rooms",
        SMALL,
        "simulated rooms with objects",
        field_of_view_deg=ROOMS_VIEW_DEG,
        one_by_one=True,
        training_places=5000,
        views=20,
    ),
    "streets": Source(
        "dmn_core.data.simulated_streets", PANORAMA, "simulated streets", far_views=True
    ),
    "gqn-mazes": _gqn("the published Mazes", BY_SHAPE, 960, 300),
    "gqn-rooms-ring-camera": _gqn("the published Rooms"),
    "gqn-rooms-free-camera-no-object-rotations": _gqn("the published Rooms, free camera"),
    "gqn-rooms-free-camera-with-object-rotations": _gqn(
        "the published Rooms, free camera, turned objects"
    ),
    "streetlearn": Source(
        "dmn_core.data.streetlearn",
        PANORAMA,
        "StreetLearn, Manhattan",
        "root",
        takes_views=False,
        far_views=True,
    ),
    "bags": Source(
        "dmn_core.data.bag_environments",
        SMALL,
        "recordings of a robot",
        "bag",
        takes=("field_of_view_deg",),
    ),
}


def sources_with_far_views() -> list[str]:
    """Names of the sources whose places have views from around the area."""
    return [name for name, source in SOURCES.items() if source.far_views]


_MORE = {
    "": "for more views of each (--views)",
    "root": "download more of the data",
    "bag": "give more recordings, or longer ones",
}


def load_environments(
    config: DataConfig,
    split: Split,
    *,
    image_size: ImageSize | None = None,
    field_of_view_deg: FieldOfView = BY_SHAPE,
    at_most: int = 0,
) -> EnvironmentSet:
    """The places of one split, which no other split has.

    Recordings (`bags`) are the exception: there splits share places and contexts, and each asks
    for views that the others do not ask for.

    Args:
        config: which.
        split: `train`, `validation` or `test`.
        image_size: height and width [pixels]; the source's own if None.
        field_of_view_deg: of the camera that images are wanted of, where they can be brought to it.
        at_most: how many places are looked at, so that a source that decodes one after the other
            need not do more; 0 for any number. What `config.environments` says goes before.

    Raises:
        DmnError: the data cannot be read or made, or has fewer places than `config.environments`;
            the message says what to do.
    """
    source = SOURCES[config.data]
    module = importlib.import_module(source.module)
    told = {"field_of_view_deg": field_of_view_deg, "at_most": at_most}
    found = cast(
        EnvironmentSet,
        module.load(
            config,
            split,
            image_size or source.image_size,
            **{name: told[name] for name in source.takes},
        ),
    )
    if len(found) < config.environments:
        raise DataError(
            f"wanted {config.environments} environments of {config.data!r} for {split}, there are "
            f"{len(found)}: ask for fewer (--environments), or {_MORE[source.needs]}"
        )
    return found
