"""Work never lags behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dmn_ros.worker import Worker

TIMEOUT_S = 180.0


def worker(
    *, newest_only: bool, skipped: list[int], errors: list[tuple[type[Exception], bool]]
) -> Worker:
    return Worker(
        newest_only=newest_only,
        on_skipped=lambda: skipped.append(1),
        on_error=lambda error, is_image: errors.append((type(error), is_image)),
    )


@pytest.mark.parametrize(
    ("newest_only", "expected"), [(True, ["job", 3]), (False, [1, 2, "job", 3])]
)
def test_waiting_images_give_way_or_not(newest_only: bool, expected: list[Any]) -> None:
    skipped: list[int] = []
    work = worker(newest_only=newest_only, skipped=skipped, errors=[])
    begun, go, done = threading.Event(), threading.Event(), threading.Event()
    order = list[Any]()

    def hold() -> None:
        begun.set()
        go.wait(TIMEOUT_S)

    # While the first job lasts, the others wait.
    work.put(hold)
    assert begun.wait(TIMEOUT_S)
    work.put_image(lambda: order.append(1))
    work.put_image(lambda: order.append(2))
    work.put(lambda: order.append("job"))
    work.put_image(lambda: order.append(3))
    work.put(done.set)
    assert work.images_waiting == expected.count(1) + expected.count(2) + 1
    go.set()
    assert done.wait(TIMEOUT_S)
    work.stop()
    assert order == expected
    assert len(skipped) == (2 if newest_only else 0)


def test_a_job_that_fails_does_not_end_the_thread() -> None:
    errors: list[tuple[type[Exception], bool]] = []
    work = worker(newest_only=True, skipped=[], errors=errors)
    done = threading.Event()
    work.put_image(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    work.put(lambda: {}["no"])
    work.put(done.set)
    assert done.wait(TIMEOUT_S)
    work.stop()
    assert errors == [(ZeroDivisionError, True), (KeyError, False)]


def test_a_worker_that_finishes_does_what_waits_first() -> None:
    work = worker(newest_only=False, skipped=[], errors=[])
    go, order = threading.Event(), list[int]()
    work.put(lambda: go.wait(TIMEOUT_S) and None)
    for number in range(3):
        work.put(lambda n=number: order.append(n))
    threading.Timer(0.05, go.set).start()
    work.finish()
    assert order == [0, 1, 2]
    # Whoever was interrupted while it ended may end it again.
    work.finish()
    work.stop()
