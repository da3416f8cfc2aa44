"""What all tests share: which of them may be tried a second time."""

from __future__ import annotations

import pytest

DDS = {"start", "ros_context"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that talk over DDS are tried twice before they fail (decision 24)."""
    for item in items:
        if DDS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.flaky(reruns=1))
