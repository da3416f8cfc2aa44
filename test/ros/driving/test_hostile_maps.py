"""Maps from strangers: whatever their bytes say, mapper and localizer refuse it and live on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dmn.msg import ViewMap

from dmn_core import map_codec
from dmn_ros.map_message import from_map_message
from dmn_ros.qualities import LATCHED

RECORDS = {
    "infinite": '[[Infinity, "a"]]',
    "too late": f'[[{2**63}, "a"]]',
    "half a letter": '[[1, "\\ud800"]]',
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", ["mapper", "localizer"])
def test_hostile_maps_end_no_node(
    probe: Any,
    start: Any,
    scene: Any,
    simple_map: Callable[..., ViewMap],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    settings = {"weights": scene.weights, "device": "cpu", "threads": 1}
    if name == "mapper":
        settings |= {"share_in": '["/b/map"]', "publish_period_s": 0.1}
        process = start("mapper", **settings)
    else:
        process = start("localizer", remap={"map": "/b/map"}, **settings)
    shared = probe.publisher(ViewMap, "/b/map", LATCHED)
    ours = probe.listen(ViewMap, "map", LATCHED)
    for number, records in enumerate(RECORDS.values(), start=1):
        with monkeypatch.context() as hostile:
            hostile.setattr(map_codec, "records_to_json", lambda _, text=records: text)
            message = simple_map(scene.weights, views=1)
        shared.publish(message)
        assert shared.wait_for_all_acked()
        # One that still waits would give way to the next; the mapper does not speak of each.
        told = number if name == "localizer" else 1
        probe.wait(lambda n=told: process.output.count("map refused") >= n, "a refusal")
    good = simple_map(scene.weights, views=3)
    shared.publish(good)
    if name == "mapper":
        probe.wait(lambda: ours, "the map of the mapper")
        assert from_map_message(ours[-1]).n_views == 3
        assert "shared map refused" in process.output
    else:
        probe.wait_for_state("map_views", "3")
        assert probe.state()["refused_map"] == str(len(RECORDS))
    assert "Traceback" not in process.output
    assert process.alive
