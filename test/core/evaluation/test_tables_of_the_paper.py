"""Tables and figures ask for what the paper asks, and print what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmn_core.data.gqn.published import FORMATS, PUBLISHED
from dmn_core.data.simulated_mazes import SIZES as MAZES
from dmn_core.data.simulated_rooms import SIZES as ROOMS
from dmn_core.data.sources import SOURCES
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation import paper
from dmn_core.evaluation.curves import CurvesConfig
from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.paper_curves import as_trained, curves, with_all_training_places
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.tables import table
from dmn_core.systems import SYSTEMS, System


def test_figures_of_the_paper_stand_where_the_design_says():
    config = EvaluationConfig()
    first = {row.title: [e.paper for e in row.entries] for row in table(1, config).rows}
    assert first["closest context"] == [11.0, 11.4, 39.3, 34.5]
    assert [row.entries[0].paper for row in table(6, config).rows] == [75.9, 73.0, 57.4, 37.8]
    assert [e.paper for e in table(4, config).rows[1].entries] == [9.51, 32.77]
    assert [e.paper for e in table(3, config).rows[0].entries] == [2.76, 3.22, 4.15]
    assert table(2, config).rows[0].entries[0].paper == paper.MAIN["dmn"]["streets"][0] == 73.2


def test_protocols_are_the_papers():
    config = EvaluationConfig()
    for number in range(1, 7):
        for quantity in table(number, config).quantities():
            kind = quantity.task.start
            expected = {"global": 2048, "tracking": 256, "contexts": 4}[kind]
            assert quantity.task.particles == expected
            assert quantity.plan.contexts == (0 if number == 5 else 4)
            assert quantity.plan.steps == (1 if number == 5 else 5)
    large = [q.plan.far_contexts for q in table(4, config).quantities()]
    assert large == [0, 4, 0, 4]


def test_numbers_of_the_paper_are_told_apart_where_the_protocol_is_another():
    for number in range(1, 7):
        told = [
            "The paper's numbers are of N = 4 and t = 5." in table(number, config).note
            for config in (
                EvaluationConfig(),
                EvaluationConfig(steps=3),
                EvaluationConfig(contexts=6),
            )
        ]
        # Table V has one image and far contexts alone.
        assert told == ([False] * 3 if number == 5 else [False, True, True])


def test_curves_share_the_settings_of_the_tables():
    config, shape = EvaluationConfig(), CurvesConfig(all_training_environments=1000)
    of_table = set(table(1, config).quantities())
    for number in (7, 8, 9, 11):
        assert of_table & set(curves(number, config, shape).quantities()), number


def points(number, **shape):
    """Every x of a figure with what is measured there, of all its curves."""
    wanted = curves(number, EvaluationConfig(), CurvesConfig(**shape))
    return [point for curve in wanted.curves for point in curve.points]


def test_x_is_what_each_figure_varies_and_nothing_else_changes():
    environments = points(7, training_environments=(50, 500, 2000), all_training_environments=960)
    assert [x for x, _ in environments] == [50, 500, 960] * 2
    assert [q.subject.environments for _, q in environments] == [50, 500, 0] * 2
    for number, trained in ((8, lambda x: x), (9, lambda x: 4)):
        contexts = points(number, contexts=(1, 4, 16))
        assert [x for x, _ in contexts] == [1, 4, 16] * 2
        assert all(q.plan.contexts == x for x, q in contexts)
        assert all(q.subject.contexts == trained(x) for x, q in contexts)
    seven = curves(7, EvaluationConfig(), CurvesConfig(all_training_environments=960))
    assert seven.training_places[Subject("dmn")] == 960
    assert seven.training_places[Subject("dmn", environments=50)] == 50
    assert curves(8, EvaluationConfig(), CurvesConfig()).training_places == {}
    along = points(10, trajectory=7)
    assert [x for x, _ in along] == [*range(1, 8)] * 2
    assert all(q.t == x and q.plan.steps == 7 and q.plan.contexts == 4 for x, q in along)
    particles = points(11, particles=(32, 512))
    assert [x for x, _ in particles] == [32, 512] * 2
    assert all(q.task.particles == x and q.plan.contexts == 4 for x, q in particles)


def used(subject, **record):
    return UsedWeights("mazes", subject, record.get("data", ""), Path("x"), "", record, record)


def test_figures_of_one_network_say_what_their_weights_were_trained_with():
    config, shape = EvaluationConfig(), CurvesConfig()
    several = {"contexts": 3, "configuration": {"contexts_max": 6, "objective": {"particles": 8}}}
    nine, eleven = (curves(number, config, shape) for number in (9, 11))
    assert "trained" not in nine.title and "N = 4" in nine.note and "K = 32" in eleven.note
    assert as_trained(nine, [used("dmn", **several)]).title.endswith("trained with N = 3 to 6")
    assert as_trained(eleven, [used("dmn", **several)]).title.endswith("trained with K = 8")
    both = as_trained(nine, [used("dmn", **several), used("latent-image", contexts=4)])
    assert both.title.endswith("trained with N = 3 to 6 (dmn), 4 (latent-image)")
    assert as_trained(nine, [used("dmn")]).title.endswith("trained with N = unknown")
    eight = curves(8, config, shape)
    assert as_trained(eight, [used("dmn", **several)]) == eight


def test_a_whole_training_is_in_as_many_places_and_views_as_its_source_has():
    assert {name: s.training_places for name, s in SOURCES.items() if s.training_places} == {
        "mazes": MAZES["train"][0],
        "mazes-varied": MAZES["train"][0],
        "rooms": ROOMS["train"][0],
        **{name: published.training_count for name, published in PUBLISHED.items()},
    }
    assert {name: s.views for name, s in SOURCES.items() if s.views} == {
        "mazes": min(views for _, views in MAZES.values()),
        "mazes-varied": min(views for _, views in MAZES.values()),
        "rooms": min(views for _, views in ROOMS.values()),
        **{name: FORMATS[published.folder][0] for name, published in PUBLISHED.items()},
    }
    shape = CurvesConfig()
    for data in ("mazes", "rooms", "gqn-mazes"):
        found = with_all_training_places(shape, data, []).all_training_environments
        assert found == SOURCES[data].training_places
    told = CurvesConfig(all_training_environments=7)
    assert with_all_training_places(told, "mazes", []) == told
    unknown = with_all_training_places(shape, "streets", [])
    with pytest.raises(ConfigurationError, match="--curves.all-training-environments"):
        curves(7, EvaluationConfig(), unknown, kind="streets")


def test_a_system_of_ours_has_a_row_without_numbers_of_the_paper(monkeypatch):
    new = System("new", "a new map", ("I", "III", "VI"), "view_embedding")
    monkeypatch.setitem(SYSTEMS, "new", new)
    config = EvaluationConfig()
    for number, there in ((1, True), (2, False), (3, True), (6, True)):
        rows = [row for row in table(number, config).rows if row.title == "a new map"]
        assert len(rows) == there
        for row in rows:
            assert len(row.entries) == len(table(number, config).columns)
            assert all(entry.paper is None for entry in row.entries)
            assert all(entry.quantity.subject.name == "new" for entry in row.entries)
