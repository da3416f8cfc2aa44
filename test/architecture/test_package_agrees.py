"""The files that describe the package say the same thing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import dmn_core

ROOT = Path(__file__).resolve().parents[2]
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
PACKAGE = ElementTree.parse(ROOT / "package.xml").getroot()


def depends(*kinds: str) -> set[str]:
    return {element.text or "" for kind in kinds for element in PACKAGE.iter(kind)}


def test_versions_agree() -> None:
    asked = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert asked.stdout.split()[-1] == dmn_core.__version__ == PACKAGE.findtext("version")


def test_messages_in_cmake_are_the_files() -> None:
    listed = re.findall(r'"((?:msg|srv|action)/\w+\.\w+)"', CMAKE)
    files = [
        f"{folder}/{path.name}"
        for folder in ("msg", "srv", "action")
        for path in (ROOT / folder).glob("*.*")
    ]
    assert sorted(listed) == sorted(files)


def test_packages_used_by_messages_are_named() -> None:
    fields = [
        line.split("#")[0]
        for folder in ("msg", "srv")
        for path in (ROOT / folder).iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    used = {found.group(1) for line in fields if (found := re.match(r"(\w+)/\w+", line))}
    assert used == set(re.search(r"DEPENDENCIES ([\w ]+)\n", CMAKE).group(1).split())
    assert used <= depends("depend")


def test_executables_in_cmake_are_the_scripts() -> None:
    scripts = sorted((ROOT / "scripts").iterdir())
    assert re.findall(r"^  scripts/(\w+)$", CMAKE, flags=re.MULTILINE) == [s.name for s in scripts]
    for script in scripts:
        assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
        assert os.access(script, os.X_OK)


def test_every_executable_starts_a_module_that_is_there() -> None:
    for script in (ROOT / "scripts").iterdir():
        text = script.read_text()
        (module,) = re.findall(r"^from (\S+) import main$", text, flags=re.MULTILINE) or re.findall(
            r"start\(\"(\S+)\"\)", text
        )
        source = ROOT / module.replace(".", "/")
        assert source.with_suffix(".py").is_file() or (source / "__init__.py").is_file()


def test_every_ros_package_the_nodes_import_is_a_dependency() -> None:
    known = r"^\s*(?:from|import) (rclpy|cv_bridge|launch|launch_ros|std_srvs|\w+_msgs)\b"
    used = {
        name
        for folder in ("dmn_ros", "launch")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(known, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    # builtin_interfaces, rcl_interfaces and the like come with rclpy.
    assert used <= depends("depend", "exec_depend")


def test_distribution_name_differs_from_the_ros_package() -> None:
    name = re.search(r'^    name="([^"]+)"', (ROOT / "setup.py").read_text(), flags=re.MULTILINE)
    assert re.sub(r"[-_.]+", "-", name.group(1)).lower() != PACKAGE.findtext("name")
