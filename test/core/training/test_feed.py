"""Where images are kept, and micro-batches that are drawn ahead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from dmn_core.data.episode import EnvironmentSet
from dmn_core.training.feed import Feed, placed

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def images(feed):
    """All query images of three steps with the micro-batches 1 and 3."""
    drawn = [batch for step in range(3) for batch in feed.step(step, range(1, 5, 2))]
    return torch.stack([batch.episodes.query_images for batch in drawn])


def test_drawing_ahead_draws_the_same(small):
    at_once = Feed(small.environments(), small.config(), CPU)
    ahead = Feed(small.environments(), small.config(), CPU)
    ahead._thread = ThreadPoolExecutor(1)
    drawn = []
    draw = ahead._draw
    ahead._draw = lambda at: drawn.append(at) or draw(at)
    assert torch.equal(images(at_once), images(ahead))
    ahead._thread.shutdown()
    # Each once, and one more that was waiting for a fourth step.
    assert drawn == [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3), (3, 1)]
    assert at_once.waited_s > 0


def test_waiting_is_the_time_that_drawing_takes_and_no_other(small, monkeypatch):
    """By a clock that only drawing, and the training in between, move."""
    now = [0.0]
    monkeypatch.setattr("dmn_core.training.feed.time.monotonic", lambda: now[0])
    feed = Feed(small.environments(), small.config(), CPU)
    draw = feed._draw

    def slow(at):
        now[0] += 3.0
        return draw(at)

    feed._draw = slow
    for step in range(2):
        for _ in feed.step(step, range(2)):
            now[0] += 100.0
    assert feed.waited_s == 12.0


def test_a_step_that_was_not_foreseen_is_drawn_all_the_same(small):
    feed = Feed(small.environments(), small.config(), CPU)
    (expected,) = feed.step(7, range(1))
    feed._thread = ThreadPoolExecutor(1)
    list(feed.step(3, range(1)))
    (found,) = feed.step(7, range(1))
    feed._thread.shutdown()
    assert torch.equal(found.episodes.query_images, expected.episodes.query_images)


@pytest.mark.parametrize(("free", "moved"), [(10**9, True), (10, False)])
def test_images_lie_on_the_device_where_there_is_room(small, monkeypatch, free, moved):
    places, asked = small.environments(), []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**10))
    monkeypatch.setattr(EnvironmentSet, "to", lambda self, device: asked.append(device) or self)
    placed(places, GPU)
    assert asked == ([GPU] if moved else [])
    assert placed(places, CPU) is places


def test_augmented_micro_batches_are_the_same_every_time(small):
    config = small.config(augmentation=small.AUGMENTED)
    first, again, plain = (
        images(Feed(small.environments(), c, CPU)) for c in (config, config, small.config())
    )
    assert torch.equal(first, again) and not torch.equal(first, plain)
