"""Tables and figures ask for what the paper asks, and print what it prints."""

from __future__ import annotations

from dmn_core.evaluation import paper
from dmn_core.evaluation.curves import CurvesConfig
from dmn_core.evaluation.paper_curves import curves
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.tables import table


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


def test_curves_share_the_settings_of_the_tables():
    config, shape = EvaluationConfig(), CurvesConfig()
    of_table = set(table(1, config).quantities())
    for number in (7, 8, 9, 11):
        assert of_table & set(curves(number, config, shape).quantities()), number
