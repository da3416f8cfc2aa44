"""The mapper's services, and its errors at start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dmn.msg import ViewMap
from dmn.srv import LoadMap, SaveMap
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from dmn_core.map_file import load_map, save_map
from dmn_ros.map_message import from_map_message, same_map
from dmn_ros.qualities import LATCHED


def test_services_answer_with_success_or_the_reason(
    probe: Any, mapper: Any, tmp_path: Path
) -> None:
    process = mapper()
    maps = probe.listen(ViewMap, "map", LATCHED)
    markers = probe.listen(MarkerArray, "viewpoints", LATCHED)
    probe.wait(lambda: maps and markers, "the map and its viewpoints")
    first = from_map_message(maps[-1])
    assert first.n_views == 5
    # One to remove older markers, then an arrow, a number and a picture for each view.
    assert len(markers[-1].markers) == 1 + 3 * 5

    path = tmp_path / "maps" / "maze.safetensors"
    saved = probe.call(SaveMap, "mapper/save", SaveMap.Request(path=str(path)))
    assert saved.success, saved.message
    assert same_map(load_map(path), first)
    loaded = probe.call(LoadMap, "mapper/load", LoadMap.Request(path=str(path)))
    assert loaded.success, loaded.message
    probe.wait(lambda: len(maps) == 2, "the loaded map")
    rebuilt = probe.call(Trigger, "mapper/rebuild", Trigger.Request())
    assert rebuilt.success, rebuilt.message
    probe.wait(lambda: len(maps) == 3, "the rebuilt map")
    assert same_map(from_map_message(maps[-1]), first)

    missing = probe.call(LoadMap, "mapper/load", LoadMap.Request(path="/nowhere.safetensors"))
    assert not missing.success
    assert "/nowhere.safetensors" in missing.message
    foreign = tmp_path / "foreign.safetensors"
    save_map(foreign, type(first)(first.embeddings, first.poses_map_camera, first.area_m, "0123"))
    refused = probe.call(LoadMap, "mapper/load", LoadMap.Request(path=str(foreign)))
    assert not refused.success
    assert "0123" in refused.message
    unbounded = tmp_path / "unbounded.safetensors"
    save_map(unbounded, replace(first, area_m=None))
    refused = probe.call(LoadMap, "mapper/load", LoadMap.Request(path=str(unbounded)))
    assert not refused.success
    assert "area_m" in refused.message
    again = probe.call(SaveMap, "mapper/save", SaveMap.Request(path=str(path)))
    assert again.success, again.message
    assert same_map(load_map(path), first)
    unwritable = probe.call(SaveMap, "mapper/save", SaveMap.Request(path="/proc/map.safetensors"))
    assert not unwritable.success
    unnamed = probe.call(SaveMap, "mapper/save", SaveMap.Request(path=""))
    assert "path" in unnamed.message
    assert process.alive
    assert process.stop() == 0


def test_a_map_file_serves_without_a_bag(
    probe: Any, mapper: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths may begin with `~`, which shells leave as it is in the middle of a word."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "drive").symlink_to(scene.context)
    (tmp_path / "weights.safetensors").symlink_to(scene.weights)
    path = tmp_path / "map.safetensors"
    mapper(map_file="~/map.safetensors", context_bag="~/drive", weights="~/weights.safetensors")
    maps = probe.listen(ViewMap, "map", LATCHED)
    probe.wait(lambda: maps, "the map")
    built = from_map_message(maps[-1])
    probe.wait(path.exists, "the map file")
    assert same_map(load_map(path), built)

    process = mapper(context_bag=None, map_file="~/map.safetensors")
    probe.wait(lambda: len(maps) == 2, "the map of the second mapper")
    assert same_map(from_map_message(maps[-1]), built)
    assert process.alive


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"context_bag": "/no/such/bag"}, ["/no/such/bag"]),
        ({"context_bag": None}, ["context_bag", "map_file"]),
        ({"weights": "/no/such.safetensors"}, ["/no/such.safetensors"]),
        ({"image_topic": "/nothing"}, ["/nothing", "/camera/image_raw/compressed"]),
        ({"device": "gpu9"}, ["gpu9", "auto, cuda, cuda:N or cpu"]),
        ({"max_views": "many"}, ["max_views", "integer"]),
        ({"area_m": [1.0, -1.0, 0.0, 1.0]}, ["area_m", "x_min < x_max"]),
        ({"area_m": [0.0, 1.0, 0.0, 2e6]}, ["area_m", "-1e+06 to 1e+06"]),
        ({"qos_overrides./map.publisher.reliability": "perhaps"}, ["qos_overrides", "perhaps"]),
    ],
)
def test_what_is_wrong_at_start_is_one_line_and_a_code(
    mapper: Any, parameters: dict[str, Any], words: list[str]
) -> None:
    process = mapper(**parameters)
    assert process.popen.wait(180) == 1
    errors = [line for line in process.output.splitlines() if "error" in line.lower()]
    assert len(errors) == 1
    assert errors[0].startswith("mapper: error: ")
    assert [word for word in words if word not in errors[0]] == []
    assert "Traceback" not in process.output
