"""Where the demo's nodes talk to each other: apart from every other robot in the network."""

from __future__ import annotations

import os

DOMAIN = "ROS_DOMAIN_ID"
# All topics of the demo are reliable: it can do without LARGE_DATA, whose TCP may abort a process
# when another ends while they connect.
TRANSPORTS = "DEFAULT"


def own_domain() -> int:
    """A domain from 1 to 100: these are safe on every system, and 0 is everybody's."""
    return 1 + os.getpid() % 100


def set_environment() -> None:
    """Set domain, unless the user did, and transports for this process and those it starts."""
    os.environ["FASTDDS_BUILTIN_TRANSPORTS"] = TRANSPORTS
    if not os.environ.get(DOMAIN):
        os.environ[DOMAIN] = str(own_domain())
