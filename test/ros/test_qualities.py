"""Users say how reliable topics are: of every node, by parameters that each of its topics has."""

from __future__ import annotations

from typing import Any

import pytest
from rcl_interfaces.srv import ListParameters
from rclpy.node import NodeNameNonExistentError
from rclpy.qos import ReliabilityPolicy

NODES = ("mapper", "localizer", "simulator", "visualizer", "bag_player")
# Made by rclpy itself.
OF_ROS = {"/rosout", "/parameter_events", "/clock"}
# What users may want, and what is there without their saying so.
WANTED = {
    "simulator": ("/camera/image_raw", "publisher", "best_effort"),
    "visualizer": ("/particles", "subscription", "best_effort"),
    "bag_player": ("/odom", "publisher", "best_effort"),
    "localizer": ("/image", "subscription", "reliable"),
    "mapper": ("/viewpoints", "publisher", "best_effort"),
}


def override(name: str) -> dict[str, str]:
    topic, kind, reliability = WANTED[name]
    return {f"qos_overrides.{topic}.{kind}.reliability": reliability}


def test_every_topic_of_every_node_can_be_set(
    probe: Any, start: Any, scene: Any, mapper: Any
) -> None:
    mapper(**override("mapper"))
    start("localizer", weights=scene.weights, device="cpu", threads=1, **override("localizer"))
    start("simulator", image_width=8, image_height=8, **override("simulator"))
    start("visualizer", **override("visualizer"))
    # It waits, and answers meanwhile: that localizer never comes.
    waiting = {"wait_for_localizer": True, "localizer": "nobody", "wait_s": 600.0}
    start("bag_player", bag=scene.query, **waiting, **override("bag_player"))
    for name in NODES:
        topics = endpoints(probe, name)
        assert len(topics) >= 3, name
        request = ListParameters.Request(prefixes=["qos_overrides"])
        answer = probe.call(ListParameters, f"{name}/list_parameters", request)
        stated = set(answer.result.names)
        for topic, kind in topics:
            wanted = {f"qos_overrides.{topic}.{kind}.{p}" for p in ("reliability", "depth")}
            assert wanted <= stated, (name, topic)
        assert reliability(probe, name, *WANTED[name][:2]) == WANTED[name][2]


def endpoints(probe: Any, name: str) -> list[tuple[str, str]]:
    """Topics that a node publishes and subscribes to, without those that each node has."""
    node = probe.node
    topic, _, _ = WANTED[name]

    def found() -> list[tuple[str, str]]:
        try:
            published = node.get_publisher_names_and_types_by_node(name, "/")
            heard = node.get_subscriber_names_and_types_by_node(name, "/")
        except NodeNameNonExistentError:
            return []
        said = [(t, "publisher") for t, _ in published]
        said += [(t, "subscription") for t, _ in heard]
        return [(t, k) for t, k in said if t not in OF_ROS and "transition_event" not in t]

    # A node is heard of topic by topic.
    probe.wait(lambda: topic in dict(found()) and len(found()) >= 3, f"{topic} of {name}")
    return found()


def reliability(probe: Any, name: str, topic: str, kind: str) -> str:
    """What a node really offers or asks for."""
    find = (
        probe.node.get_publishers_info_by_topic
        if kind == "publisher"
        else probe.node.get_subscriptions_info_by_topic
    )

    def found() -> list[Any]:
        return [e.qos_profile.reliability for e in find(topic) if e.node_name == name]

    # One of that name that has just ended may be known for a while.
    probe.wait(lambda: len(found()) == 1, f"one {kind} of {topic} on {name}")
    return str(ReliabilityPolicy(found()[0]).name.lower())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("visualizer", {"qos_overrides./path.publisher.reliability": "perhaps"}),
        ("simulator", {"qos_overrides./odom.publisher.depth": "many"}),
        ("bag_player", {"qos_overrides./odom.publisher.history": "some"}),
    ],
)
def test_what_there_is_not_is_one_line_and_a_code(
    scene: Any, start: Any, name: str, parameters: dict[str, str]
) -> None:
    bag = {"bag": scene.query} if name == "bag_player" else {}
    process = start(name, **bag, **parameters)
    assert process.popen.wait(180) == 1, process.output
    (line,) = [li for li in process.output.splitlines() if li.startswith(f"{name}: error:")]
    assert "a parameter below qos_overrides is no good" in line
    assert "Traceback" not in process.output
