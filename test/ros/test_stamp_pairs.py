"""What belongs to the same stamp is brought together, in any order, once."""

from __future__ import annotations

from typing import Any

import pytest

from dmn_ros.stamp_pairs import MOST_WAITING, StampPairs

SECOND = 1_000_000_000


@pytest.fixture
def found() -> list[Any]:
    return []


@pytest.fixture
def pairs(found: list[Any]) -> StampPairs[str, str]:
    return StampPairs[str, str](lambda *pair: found.append(pair))


def test_in_whichever_order_they_come(pairs: Any, found: list[Any]) -> None:
    pairs.add_first(1, "a")
    pairs.add_second(2, "b")
    assert found == []
    pairs.add_first(2, "c")
    pairs.add_second(1, "d")
    assert found == [(2, "c", "b"), (1, "a", "d")]
    pairs.add_second(1, "e")
    assert len(found) == 2


def test_the_oldest_go_where_too_many_wait(pairs: Any, found: list[Any]) -> None:
    for stamp in range(MOST_WAITING + 1):
        pairs.add_second(stamp, "b")
    pairs.add_first(0, "a")
    pairs.add_first(1, "a")
    assert found == [(1, "a", "b")]


def test_nothing_of_before_a_jump_in_time_is_paired(pairs: Any, found: list[Any]) -> None:
    pairs.add_second(5, "before")
    pairs.add_first(10 * SECOND, "before")
    pairs.add_first(5, "after")
    pairs.add_second(10 * SECOND, "after")
    assert found == []
    pairs.add_second(5, "after")
    assert found == [(5, "after", "after")]


def test_stamps_of_another_clock_in_between_lose_nothing(pairs: Any, found: list[Any]) -> None:
    pairs.add_first(7, "image")
    pairs.add_second(1000 * SECOND, "told without an image")
    pairs.add_first(8, "next image")
    pairs.add_second(7, "of the image")
    assert found == [(7, "image", "of the image")]
