"""Whoever waits for a localizer waits for its own, whatever other robots report."""

from __future__ import annotations

from typing import Any

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from dmn_ros.localizer_watch import KEYS, LocalizerWatch


def report(name: str, *, map_views: int) -> DiagnosticStatus:
    values = {**dict.fromkeys(KEYS, "0"), "map_views": str(map_views)}
    return DiagnosticStatus(
        name=f"{name}: localization", values=[KeyValue(key=k, value=v) for k, v in values.items()]
    )


@pytest.mark.parametrize(
    ("namespace", "name", "expected"),
    [
        ("/r1", "", "r1/localizer"),
        ("/r1", "amcl", "r1/amcl"),
        ("/r1", "/r2/localizer", "r2/localizer"),
        ("/", "", "localizer"),
        ("/r3", "", ""),
    ],
)
def test_only_one_of_several_localizers_counts(
    ros_context: Any, namespace: str, name: str, expected: str
) -> None:
    names = ("other/node", "r1/localizer", "r1/amcl", "r2/localizer", "localizer")
    node = rclpy.create_node("watcher", namespace=namespace, context=ros_context)
    watch = LocalizerWatch(node, name)
    for views in (3, 0):
        for speaker in names:
            here = speaker == expected
            status = report(speaker, map_views=views if here else 3 - views)
            watch._on_report(DiagnosticArray(status=[DiagnosticStatus(name="battery"), status]))
        assert watch.has_map is (views > 0 and expected != "")
    assert watch.others == sorted(set(names) - {expected})
    node.destroy_node()
