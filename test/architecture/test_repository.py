"""Files are small, tell nothing of the machine they were written on, and lie where they belong."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 300
# Put together from parts, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "root", "home", "Users")) + r")/\w")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:8192] else data.decode("utf-8", errors="replace")


def test_no_machine_paths(tracked: list[Path]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked
        if (match := MACHINE_PATH.search(text_of(path)))
    ]
    assert found == []


def test_python_files_are_small(tracked: list[Path]) -> None:
    lines = {
        str(p.relative_to(ROOT)): len(text_of(p).splitlines()) for p in tracked if p.suffix == ".py"
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_no_folder_shadows_the_generated_messages() -> None:
    assert not (ROOT / "dmn").exists()


def test_test_folders_are_no_packages(tracked: list[Path]) -> None:
    assert [path for path in tracked if path.match("test/**/__init__.py")] == []


def test_machine_path_pattern_finds_one() -> None:
    assert MACHINE_PATH.search("cache = '/" + "home/ada/data'")
    assert not MACHINE_PATH.search("see docs/home/page and /opt/ros/jazzy")
