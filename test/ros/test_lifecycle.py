"""A manager leads the nodes through their states over DDS, and inactive nodes are silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dmn.msg import ViewMap
from dmn.srv import LoadMap
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from std_srvs.srv import Trigger

from dmn_ros.map_message import from_map_message, same_map
from dmn_ros.qualities import LATCHED

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


class Manager:
    """What a lifecycle manager asks of a node."""

    def __init__(self, probe: Any, name: str) -> None:
        self.probe, self.name = probe, name

    @property
    def state(self) -> str:
        answer = self.probe.call(GetState, f"{self.name}/get_state", GetState.Request())
        return str(answer.current_state.label)

    def change(self, *transitions: int) -> bool:
        """Whether all succeeded."""
        for transition in transitions:
            request = ChangeState.Request(transition=Transition(id=transition))
            if not self.probe.call(ChangeState, f"{self.name}/change_state", request).success:
                return False
        return True


def test_a_manager_leads_the_mapper(probe: Any, mapper: Any, tmp_path: Path) -> None:
    process = mapper(autostart=False, map_file=tmp_path / "map.safetensors")
    manager = Manager(probe, "mapper")
    maps = probe.listen(ViewMap, "map", LATCHED)
    assert manager.state == "unconfigured"
    assert not probe.node.count_publishers("map")

    assert manager.change(CONFIGURE)
    assert manager.state == "inactive"
    assert (tmp_path / "map.safetensors").exists()
    rebuilt = probe.call(Trigger, "mapper/rebuild", Trigger.Request())
    assert rebuilt.success, rebuilt.message
    assert probe.node.count_publishers("map")
    assert maps == []

    assert manager.change(ACTIVATE)
    probe.wait(lambda: maps, "the map")
    assert manager.state == "active"
    assert manager.change(DEACTIVATE)
    loaded = probe.call(
        LoadMap, "mapper/load", LoadMap.Request(path=str(tmp_path / "map.safetensors"))
    )
    assert loaded.success, loaded.message
    assert len(maps) == 1

    # All over again.
    assert manager.change(CLEANUP)
    assert manager.state == "unconfigured"
    probe.wait(lambda: not probe.node.count_publishers("map"), "the publisher to go")
    assert manager.change(CONFIGURE, ACTIVATE)
    probe.wait(lambda: len(maps) == 2, "the map of the second life")
    assert same_map(*(from_map_message(message) for message in maps))
    assert manager.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert manager.state == "finalized"
    assert process.stop() == 0


@pytest.mark.parametrize("name", ["mapper"])
def test_what_cannot_be_configured_says_why_and_waits(
    probe: Any, start: Any, name: str, tmp_path: Path
) -> None:
    process = start(name, autostart=False, weights=tmp_path / "no.safetensors", device="cpu")
    manager = Manager(probe, name)
    assert not manager.change(CONFIGURE)
    assert manager.state == "unconfigured"
    assert "could not be configured" in process.output
    assert "no.safetensors" in process.output
    assert "Traceback" not in process.output
    assert process.alive
