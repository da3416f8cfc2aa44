"""Bringing images and odometry together: each image waits until odometry has come past it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dmn_core.errors import TrackError
from dmn_core.pose_track import OdometryBuffer
from dmn_core.pose_track.interpolation import NANOSECONDS

# Messages may overtake each other by less than this; more is a clock or a bag that began anew.
JUMP_BACK_NS = NANOSECONDS
BUFFER_S = 10.0
# Images that wait for odometry where the newest counts: two seconds of a fast camera.
MOST_WAITING = 120
# So much of them: large images must not fill a robot's memory while its odometry is silent.
MOST_BYTES = 256 * 2**20
# Where no image may be lost: a bag played fast has its odometry far ahead of its images. A day of
# odometry at 50 Hz takes some hundreds of megabytes; ten minutes take a few.
LONG_BUFFER_S = 86_400.0
# Reports of real time (one a second) without odometry or images, after which neither is expected.
SILENT_TICKS = 5


@dataclass(frozen=True)
class PosedImage:
    """An image message with the odometry pose (3,) of the robot at its stamp."""

    stamp_ns: int
    message: Any
    pose_odom_base: np.ndarray


@dataclass(frozen=True)
class _Waiting:
    stamp_ns: int
    message: Any
    odometry_ns: int | None
    size: int = 0


class OdometryGate:
    """Holds images until the odometry pose at their stamp is known.

    Waiting is measured by the stamps of odometry, not by a clock, so that the speed at which a bag
    is played changes nothing.
    """

    def __init__(
        self,
        *,
        wait_s: float,
        max_gap_s: float,
        most_waiting: int,
        most_bytes: float = math.inf,
        on_dropped: Callable[[str, str, Any], None],
        on_stray: Callable[[str], None],
        leap_s: float = math.inf,
        buffer_s: float = BUFFER_S,
    ) -> None:
        """Start empty.

        Args:
            wait_s: how far odometry may run on without reaching an image's stamp; may be infinite.
            max_gap_s: longest time between two odometry poses that is bridged.
            most_waiting: above this number the oldest image that waits is dropped.
            most_bytes: so it is above this size of all; the newest is kept even if it is larger.
            on_dropped: told the reason (a short word), an explanation and the message of each
                image dropped.
            on_stray: told what was wrong with each pose that was not taken in, for its stamp.
            leap_s: a pose further ahead of the newest one waits until another goes on from there.
            buffer_s: how much odometry is kept for images that come late.
        """
        self._wait_ns = wait_s * NANOSECONDS
        self._max_gap_s = max_gap_s
        self._leap_ns = leap_s * NANOSECONDS
        self._most_waiting, self._most_bytes = most_waiting, most_bytes
        self._on_dropped, self._on_stray = on_dropped, on_stray
        self._buffer = OdometryBuffer(duration_s=buffer_s)
        self._waiting: deque[_Waiting] = deque()
        self._last_ns: int | None = None
        # A pose that may be the first one after a jump or a gap, or a stamp that nobody set.
        self._suspect: tuple[int, np.ndarray] | None = None
        self._clock_jumped = False
        self._silent_ticks = 0

    @property
    def waiting(self) -> int:
        """Number of images that wait for odometry."""
        return len(self._waiting)

    def add_odometry(self, stamp_ns: int, pose_odom_base: np.ndarray) -> bool:
        """Take in a pose; False where time jumped back, upon which everything was forgotten.

        One stamp far from the others is a mistake. Two in a row, the second later than the first,
        are a gap or a jump; one is enough for a jump back after a clock that jumped.

        Raises:
            TrackError: the pose is not finite.
        """
        if not np.isfinite(pose_odom_base).all():
            raise TrackError(f"odometry wants three finite numbers, got {pose_odom_base!r}")
        self._silent_ticks = 0
        suspect, self._suspect = self._suspect, None
        is_old = self._is_old(stamp_ns)
        if not (is_old or self._is_ahead(stamp_ns)):
            self._refuse(suspect)
            self._accept(stamp_ns, pose_odom_base)
            return True
        if suspect is None or self._is_old(suspect[0]) != is_old or stamp_ns <= suspect[0]:
            self._refuse(suspect)
            suspect = None
        jumps_back = is_old and (suspect is not None or self._clock_jumped)
        if suspect is None and not jumps_back:
            self._suspect = (stamp_ns, pose_odom_base)
            return True
        if jumps_back:
            self._forget()
        if suspect is not None:
            self._accept(*suspect)
        self._accept(stamp_ns, pose_odom_base)
        return not jumps_back

    def _accept(self, stamp_ns: int, pose_odom_base: np.ndarray) -> None:
        self._clock_jumped = False
        self._buffer.append(stamp_ns, pose_odom_base)

    def _refuse(self, suspect: tuple[int, np.ndarray] | None) -> None:
        newest = self._buffer.newest_ns
        if suspect is not None and newest is not None:
            off_s = (suspect[0] - newest) / NANOSECONDS
            self._on_stray(
                f"a stamp is {abs(off_s):.3f} s {'after' if off_s > 0 else 'before'} the newest "
                "odometry, and the next one does not go on from there"
            )

    def clock_jumped(self) -> None:
        """The clock went back: the next old stamp is no mistake."""
        self._clock_jumped = True

    def pose_at(self, stamp_ns: int) -> np.ndarray | None:
        """Odometry (3,) at a stamp, the newest where that is just before it; None if not kept."""
        newest = self._buffer.newest_ns
        if newest is None or stamp_ns <= 0:
            return None
        if newest < stamp_ns <= newest + self._max_gap_s * NANOSECONDS:
            stamp_ns = newest
        try:
            return self._buffer.at(stamp_ns, max_gap_s=self._max_gap_s)
        except TrackError:
            return None

    def _is_old(self, stamp_ns: int) -> bool:
        newest = self._buffer.newest_ns
        return newest is not None and stamp_ns < newest - JUMP_BACK_NS

    def _is_ahead(self, stamp_ns: int) -> bool:
        newest = self._buffer.newest_ns
        return newest is not None and stamp_ns - newest > self._leap_ns

    def add_image(self, stamp_ns: int, message: Any, *, size: int = 0) -> None:
        """Take in an image message of a size in bytes."""
        self._silent_ticks = 0
        self._waiting.append(_Waiting(stamp_ns, message, self._buffer.newest_ns, size))
        held = sum(image.size for image in self._waiting)
        while len(self._waiting) > self._most_waiting or (
            held > self._most_bytes and len(self._waiting) > 1
        ):
            why = f"{len(self._waiting)} images wait for odometry, {held >> 20} MiB"
            oldest = self._waiting.popleft()
            held -= oldest.size
            self._on_dropped("no_odometry", why, oldest.message)

    def drop_images(self) -> int:
        """Forget the images that wait and return how many there were."""
        dropped = len(self._waiting)
        self._waiting.clear()
        return dropped

    def tick(self) -> None:
        """Once a second of real time: give up waiting where nothing has come for long.

        Ticks are counted, not seconds, so that messages which queue behind a busy computer are
        taken in between.
        """
        self._silent_ticks += 1
        if self._silent_ticks < SILENT_TICKS:
            return
        for image in self._waiting:
            found = self._place(image) if self._is_old(image.stamp_ns) else None
            ended = "no_odometry", "odometry ended before an image's stamp"
            self._on_dropped(*(found if isinstance(found, tuple) else ended), image.message)
        self._waiting.clear()

    def ready(self) -> list[PosedImage]:
        """The images whose odometry pose has become known, in order of arrival."""
        posed = (self._pose(self._waiting.popleft()) for _ in range(len(self._waiting)))
        return [image for image in posed if image is not None]

    def _pose(self, image: _Waiting) -> PosedImage | None:
        """Pose an image, or put it back to wait, or drop it."""
        newest = self._buffer.newest_ns
        if newest is None or newest < image.stamp_ns:
            self._wait_on(image, newest)
            return None
        if self._suspect is not None and self._is_old(image.stamp_ns):
            # The next odometry tells whether it is late, or of the time after a jump.
            self._waiting.append(image)
            return None
        found = self._place(image)
        if isinstance(found, PosedImage):
            self._last_ns = image.stamp_ns
            return found
        if self._is_old(image.stamp_ns) and self._may_begin_anew(image, newest):
            since = newest if image.odometry_ns is None else image.odometry_ns
            self._waiting.append(replace(image, odometry_ns=since))
        else:
            self._on_dropped(*found, image.message)
        return None

    def _place(self, image: _Waiting) -> PosedImage | tuple[str, str]:
        """An image that odometry has come past with its pose, or reason and words why it has none.

        A camera may lag by seconds: what is old and in order is posed at once.
        """
        if self._last_ns is not None and image.stamp_ns <= self._last_ns:
            return "out_of_order", "an image is not newer than the one before it"
        try:
            pose = self._buffer.at(image.stamp_ns, max_gap_s=self._max_gap_s)
        except TrackError as error:
            return "no_odometry", str(error)
        return PosedImage(image.stamp_ns, image.message, pose)

    def _may_begin_anew(self, image: _Waiting, newest: int) -> bool:
        """Whether an old image may be of a time whose odometry it has overtaken.

        Then a bag that is played again gives its first images as it did at first. Where odometry
        goes on by more than messages overtake each other by, time has not jumped.
        """
        since = image.odometry_ns
        return self._clock_jumped or since is None or newest - since <= JUMP_BACK_NS

    def _wait_on(self, image: _Waiting, newest: int | None) -> None:
        since = image.odometry_ns
        since = newest if since is None else since
        if newest is not None and since is not None and newest - since > self._wait_ns:
            ahead = (image.stamp_ns - newest) / NANOSECONDS
            why = f"an image is stamped {ahead:.3f} s after odometry"
            self._on_dropped("no_odometry", why, image.message)
        else:
            self._waiting.append(replace(image, odometry_ns=since))

    def _forget(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for image in waiting:
            if self._is_old(image.stamp_ns):
                self._waiting.append(replace(image, odometry_ns=None))
            else:
                why = "time jumped back while an image waited for odometry"
                self._on_dropped("time_jump", why, image.message)
        self._buffer.clear()
        self._last_ns, self._clock_jumped = None, False
