"""One thread for heavy work, fed by the callbacks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]


class Worker:
    """Does jobs one after another in a thread of its own.

    Ordinary jobs are all done, in order. Of image jobs, with `newest_only`, the one that waits is
    replaced by the next, so that work never lags behind the camera.
    """

    def __init__(
        self,
        *,
        newest_only: bool,
        on_skipped: Callable[[], None],
        on_error: Callable[[Exception, bool], None],
    ) -> None:
        """Start the thread.

        Args:
            newest_only: whether a waiting image gives way to a newer one.
            on_skipped: told of each image that gave way.
            on_error: told of what a job raised and whether it was an image; the thread goes on.
        """
        self._newest_only = newest_only
        self._on_skipped = on_skipped
        self._on_error = on_error
        self._jobs: deque[tuple[bool, Job]] = deque()
        self._condition = threading.Condition()
        self._stopping = self._finishing = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    @property
    def images_waiting(self) -> int:
        """Number of image jobs that wait."""
        with self._condition:
            return sum(is_image for is_image, _ in self._jobs)

    def put(self, job: Job) -> None:
        """Do this after all jobs before it."""
        self._append(job, is_image=False)

    def put_image(self, job: Job) -> None:
        """Do this after all jobs before it, unless a newer image comes first."""
        self._append(job, is_image=True)

    def drop_images(self) -> int:
        """Forget the images that wait and return how many there were."""
        with self._condition:
            kept = deque(entry for entry in self._jobs if not entry[0])
            dropped, self._jobs = len(self._jobs) - len(kept), kept
        return dropped

    def finish(self) -> None:
        """Do all jobs that wait and end the thread."""
        with self._condition:
            self._finishing = True
            self._condition.notify()
        self._thread.join()

    def stop(self) -> None:
        """Finish the job at hand, forget the others and end the thread."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()

    def _append(self, job: Job, *, is_image: bool) -> None:
        skipped = self.drop_images() if is_image and self._newest_only else 0
        with self._condition:
            self._jobs.append((is_image, job))
            self._condition.notify()
        for _ in range(skipped):
            self._on_skipped()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._stopping or self._finishing)
                if self._stopping or not self._jobs:
                    return
                is_image, job = self._jobs.popleft()
            try:
                job()
            # Whatever went wrong with one image, the next one is worth a try.
            except Exception as error:
                self._on_error(error, is_image)
