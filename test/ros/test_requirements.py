"""A build that went wrong does not pass for one that was not asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("required", "passes"), [("", True), ("1", False)])
def test_missing_messages_skip_the_tests_unless_they_are_required(
    tmp_path: Path, required: str, passes: bool
) -> None:
    # Found first, this empty package hides the one that was built.
    (tmp_path / "dmn").mkdir()
    (tmp_path / "dmn" / "__init__.py").touch()
    ignored = [f"--ignore={path}" for path in (ROOT / "test").iterdir() if path.name != "ros"]
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test", *ignored],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "DMN_REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        timeout=300,
    )
    # With nothing collected pytest says 5.
    assert (done.returncode in (0, 5)) == passes, done.stdout + done.stderr
    assert ("dmn.msg" in done.stdout + done.stderr) or passes


def test_the_command_that_runs_the_tests_requires_them() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ntest:")[1].split("\n\n")[0]
    assert "DMN_REQUIRE_ALL=1" in recipe


def test_every_requirement_comes_by_rosdep_or_by_the_line_for_pip() -> None:
    """On a robot nothing else installs what the library imports."""
    listed = (ROOT / "setup.py").read_text().split("install_requires=[")[1].split("]")[0]
    wanted = {re.split(r"[><=]", name)[0].lower() for name in re.findall(r'"([^"]+)"', listed)}
    by_pip = (ROOT / "README.md").read_text().split("/bin/pip install ")[1].split("\n")[0]
    keys = set(re.findall(r"_depend>python3-([\w-]+)<", (ROOT / "package.xml").read_text()))
    apt = {"opencv": "opencv-python", "transforms3d-pip": "transforms3d", "yaml": "pyyaml"}
    named = {re.split(r"[><=]", word.strip('"'))[0] for word in by_pip.split()}
    assert wanted <= named | {apt.get(key, key) for key in keys}


def test_the_line_for_the_simulated_robot_is_that_of_the_extra() -> None:
    (extra,) = re.findall(r'"sim": \[(.*)\]', (ROOT / "setup.py").read_text())
    assert f"/bin/pip install {extra.replace(',', '')}" in (ROOT / "README.md").read_text()
