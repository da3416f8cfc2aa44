"""A map is made of a bag in steps between which it can be given up."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from dmn_core.data.bag_map import MappingSettings, map_from_bag
from dmn_core.errors import MapError
from dmn_core.localization import Localizer
from dmn_core.observation import ObservationModel

BAG = Path(__file__).parents[3] / "bags" / "context"


@pytest.fixture(scope="module")
def localizer() -> Localizer:
    torch.manual_seed(0)
    return Localizer(ObservationModel())


def test_a_map_that_is_watched_is_the_same_to_the_bit(localizer: Localizer) -> None:
    asked = list[int]()
    watched = map_from_bag(localizer, BAG, MappingSettings(), watch=lambda: asked.append(1))
    at_once = map_from_bag(localizer, BAG, MappingSettings())
    for part in fields(at_once):
        one, other = getattr(watched, part.name), getattr(at_once, part.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    assert len(asked) > at_once.n_views


@pytest.mark.parametrize("after", [0, 3, -3])
def test_a_map_is_given_up_while_it_is_read_or_encoded(localizer: Localizer, after: int) -> None:
    asked = list[int]()
    map_from_bag(localizer, BAG, MappingSettings(), watch=lambda: asked.append(1))
    most, passed = after % len(asked), list[int]()

    def give_up() -> None:
        if len(passed) == most:
            raise MapError("nobody wants it")
        passed.append(1)

    with pytest.raises(MapError, match="nobody wants it"):
        map_from_bag(localizer, BAG, MappingSettings(), watch=give_up)
    assert len(passed) == most
