"""What a user may ask of the demo."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from dmn_core.data.bag.reader import list_topics, open_bag
from dmn_core.data.bag.topics import choose_image_topic
from dmn_core.errors import BagError

ODOMETRY_TYPE = "nav_msgs/msg/Odometry"
COMPRESSED = "/compressed"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"


def shipped_bag(name: str) -> Path:
    """A bag of the checkout that we stand in, else of the installed package."""
    here = Path("bags") / name
    if here.exists():
        return here
    try:
        return Path(get_package_share_directory("dmn")) / "bags" / name
    except PackageNotFoundError:
        return here


@dataclass(frozen=True)
class DemoOptions:
    """Build a map of one bag, localize the robot of another, and show how well it went.

    Attributes:
        context: bag with images and poses, from which the map is made.
        query: bag with images and odometry of the robot to be localized.
        out: folder for pictures, logs and the result bag; those of an older run are replaced.
        rate: speed of playing; the localizer queues what it has not yet processed.
        particles: more are more accurate and slower.
        seed: of all random draws.
        weights: weights file; empty for the ones that come with the package.
        device: auto, cuda or cpu.
        threads: CPU threads of the localizer; 0 leaves the choice to torch.
        timeout_s: give up when nothing happens for so long.
    """

    context: Path = field(default_factory=lambda: shipped_bag("context"))
    query: Path = field(default_factory=lambda: shipped_bag("query"))
    out: Path = Path("results/demo")
    rate: float = 4.0
    particles: int = 512
    seed: int = 0
    weights: str = ""
    device: str = "auto"
    threads: int = 0
    timeout_s: float = 60.0


@dataclass(frozen=True)
class ImageSource:
    """The images of a query bag: their topic, its name without the transport, and how many."""

    topic: str
    base: str
    transport: str
    count: int


def find_images(query: Path) -> ImageSource:
    """The only image topic of a bag.

    Raises:
        BagError: there is no bag, no such topic or several, or its name does not fit its type.
    """
    with open_bag(query) as bag:
        topic = choose_image_topic(bag, None)
    if topic.type_name != COMPRESSED_TYPE:
        return ImageSource(topic.name, topic.name, "raw", topic.count)
    if not topic.name.endswith(COMPRESSED):
        raise BagError(
            f"{query}: compressed images want a topic that ends in {COMPRESSED!r}, "
            f"got {topic.name!r}"
        )
    return ImageSource(topic.name, topic.name.removesuffix(COMPRESSED), "compressed", topic.count)


def find_odometry(query: Path) -> str:
    """The only odometry topic of a bag, or /odom among several.

    Raises:
        BagError: there is no bag, no such topic, or several.
    """
    topics = list_topics(query)
    found = [t.name for t in topics if t.type_name == ODOMETRY_TYPE and t.count > 0]
    if len(found) > 1 and "/odom" in found:
        return "/odom"
    if len(found) != 1:
        raise BagError(
            f"{query}: the demo wants one topic of type {ODOMETRY_TYPE}, got {found!r}; there are "
            f"{ {t.name: t.type_name for t in topics} }"
        )
    return found[0]
