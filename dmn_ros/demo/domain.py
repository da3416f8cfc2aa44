"""Where the demo's nodes talk to each other: apart from every other robot in the network."""

from __future__ import annotations

import fcntl
import functools
import os
import tempfile
from pathlib import Path

DOMAIN = "ROS_DOMAIN_ID"
# All topics of the demo are reliable: it can do without LARGE_DATA, whose TCP may abort a process
# when another ends while they connect.
TRANSPORTS = "DEFAULT"


_COUNT = 100


@functools.cache
def own_domain() -> int:
    """A domain from 1 to 100: these are safe on every system, and 0 is everybody's.

    It is the same one whenever this process asks, and one that no other process of this machine
    has got here, unless all are taken.
    """
    first = os.getpid() % _COUNT
    for number in (1 + (first + off) % _COUNT for off in range(_COUNT)):
        if _take(number):
            return number
    return 1 + first


def _take(number: int) -> bool:
    """Whether this process has the domain now; the system gives it back when the process ends."""
    path = Path(tempfile.gettempdir()) / f"dmn-domain-{number}.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # a file of another user
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    return True


def set_environment() -> None:
    """Set domain, unless the user did, and transports for this process and those it starts."""
    os.environ["FASTDDS_BUILTIN_TRANSPORTS"] = TRANSPORTS
    if not os.environ.get(DOMAIN):
        os.environ[DOMAIN] = str(own_domain())
