"""Configuration: there and back, and nothing unknown."""

from __future__ import annotations

import pytest

from dmn_core.config import changed, from_dict, read_yaml, to_dict, write_yaml
from dmn_core.errors import ConfigurationError
from dmn_core.training.config import TrainingConfig
from dmn_core.training.objectives import ObjectiveConfig

CONFIG = TrainingConfig(
    max_steps=5, image_size=(8, 8), objective=ObjectiveConfig(name="tracking"), bag=("a", "b")
)


def test_yaml_there_and_back(tmp_path):
    write_yaml(CONFIG, tmp_path / "c.yaml")
    assert read_yaml(TrainingConfig, tmp_path / "c.yaml") == CONFIG


def test_unknown_keys_are_refused_with_those_that_exist():
    values = to_dict(CONFIG)
    values["objective"]["colour"] = 1
    with pytest.raises(ConfigurationError, match="colour.*attention_weight"):
        from_dict(TrainingConfig, values)


@pytest.mark.parametrize("name", ["contexts", "batch", "queries", "validation_samples"])
def test_counts_of_nothing_are_refused(name):
    with pytest.raises(ConfigurationError, match=f"{name} wants at least 1"):
        TrainingConfig(**{name: 0})


@pytest.mark.parametrize("text", ["[1, 2", "- 3"])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigurationError):
        read_yaml(TrainingConfig, tmp_path / "c.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        read_yaml(TrainingConfig, tmp_path / "none.yaml")


def test_values_that_depend_on_each_other_are_changed_at_once():
    values = {"objective.name": "classification", "contexts": 0, "far_contexts": 4}
    for order in (values, dict(reversed(values.items()))):
        new = changed(CONFIG, order)
        assert (new.objective.name, new.contexts, new.far_contexts) == ("classification", 0, 4)
        assert new.bag == CONFIG.bag
    both = changed(CONFIG, {"objective.particles": 3, "objective.name": "likelihood"})
    assert (both.objective.particles, both.objective.name) == (3, "likelihood")
    with pytest.raises(ConfigurationError, match="far_contexts is 0"):
        changed(CONFIG, {"contexts": 0})
