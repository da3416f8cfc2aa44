"""Whatever decides how a robot is localized can be told by a parameter, and comes through."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from dmn_core.robot import RobotSettings, conditions_of
from dmn_ros.localizer_parameters import LocalizerParameters

# Settings whose parameter has another name.
OTHERWISE_NAMED = {
    "particles": "max_particles",
    "seed": "random_seed",
    "filter.noise.model": "motion_model",
}
OTHER_VALUES = {
    "motion_model": "omni",
    "resampling": "always",
    "estimate": "mean",
    "pose_base_camera": (1.0, 2.0, 0.5),
}
# Nobody states it: the number that a belief starts with is the most that there may be.
NOT_STATED = {"filter.size.max_particles"}


def fields_of(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names, as `part.field`, and values of nested dataclasses."""
    for field in dataclasses.fields(settings):
        name, value = prefix + field.name, getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from fields_of(value, f"{name}.")
        else:
            yield name, value


DEFAULTS = dict(fields_of(LocalizerParameters().robot_settings()))


@pytest.mark.parametrize("setting", sorted({n for n, _ in fields_of(RobotSettings())} - NOT_STATED))
def test_a_setting_is_what_its_parameter_says(setting: str) -> None:
    name = OTHERWISE_NAMED.get(setting, setting.rpartition(".")[2])
    before = DEFAULTS[setting]
    value = OTHER_VALUES.get(name)
    if value is None:
        value = before + 1 if isinstance(before, int) else 0.9 * before + 0.013
    changed = dict(fields_of(LocalizerParameters(**{name: value}).robot_settings()))
    assert changed[setting] == value != before
    assert {n for n in changed if changed[n] != DEFAULTS[n]} == {setting}


def test_doubts_of_the_confidence_name_parameters() -> None:
    declared = {field.name for field in dataclasses.fields(LocalizerParameters)}
    assert set(conditions_of(RobotSettings())) <= declared
