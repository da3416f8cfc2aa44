"""Rewrite the build machine's paths in the ROS wheels' CMake exports to this interpreter's.

The message packages on PyPI export the include folders of Python and numpy of the machine that
built them. CMake stops at a folder that does not exist, so they are replaced once after install.
Running it again changes nothing.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

WHEEL_PYTHON_INCLUDE = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")
WHEEL_NUMPY_INCLUDE = re.compile(
    r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/(?:_core|core)/include"
)


def rewrite(text: str, *, python_include: str, numpy_include: str) -> str:
    """Return the CMake text with both include folders replaced."""
    text = WHEEL_NUMPY_INCLUDE.sub(lambda _: numpy_include, text)
    return WHEEL_PYTHON_INCLUDE.sub(lambda _: python_include, text)


def rewrite_prefix(prefix: Path, *, python_include: str, numpy_include: str) -> Iterator[Path]:
    """Rewrite every CMake export below `prefix`/share and yield the files that changed."""
    for path in sorted((prefix / "share").glob("*/cmake/*.cmake")):
        before = path.read_text(encoding="utf-8")
        after = rewrite(before, python_include=python_include, numpy_include=numpy_include)
        if after != before:
            path.write_text(after, encoding="utf-8")
            yield path


def main() -> int:
    """Rewrite the exports of the running interpreter's prefix."""
    import numpy

    python_include = sysconfig.get_path("include")
    if not (Path(python_include) / "Python.h").is_file():
        print(
            f"Python.h was expected in {python_include!r} and is not there: install the headers of "
            "this interpreter (Debian and Ubuntu: apt-get install python3-dev)",
            file=sys.stderr,
        )
        return 1
    changed = list(
        rewrite_prefix(
            Path(sys.prefix), python_include=python_include, numpy_include=numpy.get_include()
        )
    )
    print(f"ROS wheels: {len(changed)} CMake export(s) rewritten in {sys.prefix}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
