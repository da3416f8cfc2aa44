"""Figures 5 and 6 show what was seen, what was believed, and where that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.evaluation import episode_pictures
from dmn_core.evaluation.algorithms import EncodedTrials
from dmn_core.evaluation.belief_figures import TRUTH
from dmn_core.evaluation.trials import Task, TrialPlan, draw_trials, first_beliefs

PLAN = TrialPlan(steps=3)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, in place of files."""
    figures = []
    monkeypatch.setattr(
        episode_pictures, "save_figure", lambda figure, path, dpi: figures.append(figure)
    )
    return figures


def shown_images(figure):
    """Colour images in the order in which they are drawn."""
    arrays = [np.asarray(i.get_array()) for axes in figure.axes for i in axes.get_images()]
    return [array for array in arrays if array.ndim == 3]


def grids(figure):
    """Numbers over the area (rows along y), each with its axes."""
    found = [(i, axes) for axes in figure.axes for i in axes.get_images()]
    return [(np.asarray(i.get_array()), a) for i, a in found if i.get_array().ndim == 2]


def peak(grid, area_m):
    """Where (x, y) a grid over an area is highest."""
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    x_min, x_max, y_min, y_max = area_m
    x = x_min + (column + 0.5) / grid.shape[1] * (x_max - x_min)
    return np.array([x, y_min + (row + 0.5) / grid.shape[0] * (y_max - y_min)])


def marked(axes, colour):
    """Points (M, 2) of a colour."""
    lines = [line for line in axes.get_lines() if line.get_color() == colour]
    return np.concatenate([np.column_stack(line.get_data()) for line in lines])


def test_figure_5_shows_images_and_beliefs_that_find_the_truth(oracle, make_places, drawn):
    episodes = draw_trials(make_places(), PLAN, [1])
    belief = first_beliefs(episodes, Task("global", 4000), seed=0, numbers=[1])
    episode_pictures.draw_sequence("unused", EncodedTrials.of(oracle, episodes), belief)
    (figure,) = drawn
    expected = [*episodes.context_images[0].numpy(), *episodes.query_images[0].numpy()]
    found = shown_images(figure)
    assert len(found) == len(expected) == 7
    assert all(any(np.array_equal(image, one) for one in found) for image in expected)
    panels = grids(figure)
    assert len(panels) == 3
    for t, (heat, axes) in enumerate(panels):
        truth = episodes.query_poses[0, t, :2].numpy()
        assert axes.get_title().startswith(f"t = {t + 1}, error ")
        assert np.allclose(marked(axes, TRUTH), truth, atol=1e-4)
        assert np.linalg.norm(peak(heat, episodes.area_m) - truth) < 4
        numbers = {text.get_text(): text.xy for text in axes.texts}
        viewpoints = episodes.context_poses[0, :, :2].numpy()
        assert np.allclose([numbers[str(n)] for n in range(1, 5)], viewpoints)


def test_figure_6_shows_the_likelihood_of_each_query(oracle, make_places, drawn):
    unattended = type(oracle)(replace(oracle.config, attention="mean")).eval()
    episodes = draw_trials(make_places(), PLAN, [2])
    episode_pictures.draw_likelihood("unused", EncodedTrials.of(unattended, episodes))
    (figure,) = drawn
    panels = grids(figure)
    assert len(panels) == 3 and len(shown_images(figure)) == 4 + 3
    for t, (likelihood, axes) in enumerate(panels):
        truth = episodes.query_poses[0, t, :2].numpy()
        assert np.linalg.norm(peak(likelihood, episodes.area_m) - truth) < 4
        assert np.allclose(marked(axes, TRUTH), truth, atol=1e-4)


def test_figure_6_tells_the_attention_of_each_query_to_each_context(ignorant, make_places, drawn):
    episodes = draw_trials(make_places(), PLAN, [0])
    shares, scores = (
        attention_that_is_told(ignorant, kind, episodes, drawn)
        for kind in ("softmax", "scalar_product")
    )
    assert np.allclose(shares.sum(axis=0), 1.0, atol=0.03)
    # Products are told as they are, with their sign: shares follow from them.
    assert scores.min() < 0 < scores.max()
    assert np.allclose(np.exp(scores) / np.exp(scores).sum(axis=0), shares, atol=0.02)


def attention_that_is_told(network, kind, episodes, drawn):
    """Numbers below the contexts, (contexts, queries)."""
    alike = type(network)(replace(network.config, attention=kind)).eval()
    alike.load_state_dict(network.state_dict())
    with torch.no_grad():  # keys of random weights hardly differ
        for parameter in alike.cnn3.layers[-1].parameters():
            parameter.mul_(50)
    drawn.clear()
    episode_pictures.draw_likelihood("unused", EncodedTrials.of(alike, episodes))
    told = [axes.get_xlabel() for axes in drawn[0].axes if axes.get_title().startswith("context")]
    numbers = [text.removeprefix("attention ").split() for text in told]
    found = np.array(numbers, dtype=float)
    assert found.shape == (4, 3)
    return found
