"""What the C library does with memory that is freed: by default it gives large pieces back.

Every step of a training asks for the same pieces again, and the system clears each page of them
anew; on a CPU that costs a quarter of the time (docs/decisions/0018-training-on-a-cpu.md).
"""

from __future__ import annotations

import ctypes
import sys

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = -1
_GROWTH_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, to use it again; whether its C library can.

    The process then stays as large as it ever was. Only glibc on Linux is told.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _GROWTH_BYTES))
    heard = [mallopt(option, value) == 1 for option, value in wanted]
    return all(heard)
