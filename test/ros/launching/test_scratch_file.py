"""Files that a launch writes go with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WRITES_TWO = """
from pathlib import Path
from dmn_ros.scratch_file import scratch_file
paths = [Path(scratch_file(text, "same.yaml")) for text in ("a: 1", "a: 2")]
assert [path.read_text() for path in paths] == ["a: 1", "a: 2"]
print(*paths, sep="\\n")
raise SystemExit(3)
"""


def test_files_are_apart_and_gone_once_the_launch_has_ended() -> None:
    ended = subprocess.run([sys.executable, "-c", WRITES_TWO], capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    paths = [Path(line) for line in ended.stdout.split()]
    assert [path.name for path in paths] == ["same.yaml"] * 2
    assert not any(path.parent.exists() for path in paths)
