"""The tables of docs/ros_interface.md name every topic of mapper and localizer, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ros_interface.md"
# Those that every node of ROS 2 has.
OF_ROS = {"parameter_events", "rosout", "transition_event", "clock"}
SETTINGS: dict[str, dict[str, Any]] = {
    "mapper": {"live_poses": "pose_with_covariance"},
    "localizer": {},
}
# In the tables, with other settings than these.
ELSEWHERE = {
    "mapper": {"image/compressed", "view_pose", "tf_static"},
    "localizer": {"image/compressed", "tf"},
}


def documented(node: str, kind: str) -> set[str]:
    """Topics of the table of a node: what is written as code in the column of names."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## `{node}`\n")[1].split("\n## ")[0]
    rows = re.findall(rf"^\| {kind} \| ([^|]*) \|", section, re.MULTILINE)
    assert rows
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    return {name.lstrip("/") for name in names if not re.search(r"[ :]|^share_in$|_source", name)}


@pytest.mark.parametrize("executable", list(SETTINGS))
def test_every_topic_of_a_node_is_in_its_table(
    start: Callable[..., Any], probe: Any, scene: Any, executable: str
) -> None:
    own = {"weights": scene.weights, "device": "cpu", "threads": 1}
    start(executable, remap={"__ns": "/robot"}, **own, **SETTINGS[executable])

    def topics(asked: Any) -> set[str]:
        try:
            found = asked(executable, "/robot")
        except Exception:  # rclpy's own error: the node is not there yet
            return set()
        names = {name.removeprefix("/robot/").removeprefix("/") for name, _ in found}
        return {name.removeprefix(f"{executable}/") for name in names} - OF_ROS

    published_by, heard_by = (
        getattr(probe.node, f"get_{who}_names_and_types_by_node")
        for who in ("publisher", "subscriber")
    )
    heard = documented(executable, "subscribes") - ELSEWHERE[executable]
    published = documented(executable, "publishes")
    probe.wait(
        lambda: topics(heard_by) >= heard and topics(published_by) >= published,
        f"{heard | published} of {executable}",
    )
    assert topics(heard_by) == heard
    assert topics(published_by) == published


REMAPPED = {"image": "/front/image_raw", "camera_info": "/elsewhere/info"}


@pytest.mark.parametrize(
    ("transport", "remap", "topic"),
    [
        ("compressed", {"image": "/front/image_raw"}, "/front/camera_info"),
        ("raw", REMAPPED, "/elsewhere/info"),
    ],
)
@pytest.mark.parametrize("executable", list(SETTINGS))
def test_camera_info_follows_the_images_or_its_own_remapping(
    start: Callable[..., Any],
    probe: Any,
    scene: Any,
    executable: str,
    transport: str,
    remap: dict[str, str],
    topic: str,
) -> None:
    own = {"weights": scene.weights, "device": "cpu", "threads": 1, "image_transport": transport}
    start(executable, remap=remap, **own, **SETTINGS[executable])
    ending = "/compressed" if transport == "compressed" else ""
    probe.wait(
        lambda: probe.node.count_subscribers("/front/image_raw" + ending), "a listener to images"
    )
    probe.wait(lambda: probe.node.count_subscribers(topic), f"a listener to {topic}")
    others = {"/front/camera_info", "/elsewhere/info", "/camera_info"} - {topic}
    # A node of the test before may be in the graph for a moment.
    probe.wait(
        lambda: not any(probe.node.count_subscribers(name) for name in others),
        f"no listener to {others}",
    )
