"""Which shards train and which validate: decided by their numbers alone."""

from __future__ import annotations

import pytest

from dmn_core.data.gqn.published import PUBLISHED
from dmn_core.data.gqn.shards import find_shards
from dmn_core.errors import DataError


def found_numbers(shards, split) -> list[int]:
    return [int(p.name[:4]) for p in find_shards(shards.root, PUBLISHED["gqn-mazes"], split)]


def test_shards_that_come_later_change_no_side(shards) -> None:
    for number in (3, 7, 20):
        shards.write(f"mazes/train/{number:04d}-of-1080.tfrecord", [])
    assert found_numbers(shards, "train") == [3, 7]
    assert found_numbers(shards, "validation") == [20]
    for number in range(1, 41):
        shards.write(f"mazes/train/{number:04d}-of-1080.tfrecord", [])
    assert found_numbers(shards, "validation") == [10, 20, 30, 40]
    assert set(found_numbers(shards, "train")) >= {3, 7}


@pytest.mark.parametrize(("there", "wanted"), [((1, 2, 9), "0010"), ((20, 30), "0001")])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_side_without_shards_says_which_to_download(shards, there, wanted, split) -> None:
    for number in there:
        shards.write(f"mazes/train/{number:04d}-of-1080.tfrecord", [])
    with pytest.raises(DataError, match=f"download {wanted}-of-1080.tfrecord too"):
        find_shards(shards.root, PUBLISHED["gqn-mazes"], split)
