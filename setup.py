"""Install the Python packages with pip, for machines without ROS (ROS users: `colcon build`)."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def version() -> str:
    """Return the version that `dmn_core` states."""
    text = (ROOT / "dmn_core" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, flags=re.MULTILINE)
    if match is None:
        raise RuntimeError('dmn_core/__init__.py must hold a line like __version__ = "0.1.0"')
    return match.group(1)


def pins(name: str) -> list[str]:
    """Return the requirements of one file below requirements/, without comments and includes."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and line[0] not in "#-"]


def files_below(folder: str) -> list[tuple[str, list[str]]]:
    """Return data_files entries that install `folder` as share/dmn/`folder`."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / folder).rglob("*")):
        if path.is_file():
            relative = path.relative_to(ROOT)
            found.setdefault(f"share/dmn/{relative.parent}", []).append(str(relative))
    return list(found.items())


setup(
    # Must differ from the ROS package name `dmn`: pip would take the generated messages for an
    # older version of this distribution and uninstall them.
    name="dmn-localization",
    version=version(),
    description="Visual localization with a handful of pictures",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["dmn_core", "dmn_core.*", "dmn_ros", "dmn_ros.*"]),
    package_data={"dmn_core": ["py.typed"]},
    data_files=files_below("models") + files_below("config") + files_below("bags"),
    zip_safe=False,
    install_requires=[
        "matplotlib>=3.8",
        "numpy>=1.26",
        "opencv-python>=4.8",
        "PyYAML>=6.0",
        "rich>=13.7",
        "rosbags>=0.11.9,<0.12",
        "safetensors>=0.4.3",
        "scipy>=1.11",
        "torch>=2.4",
        "transforms3d>=0.4.2",
        "tqdm>=4.66",
        "tyro>=0.9",
    ],
    extras_require={
        "ros": pins("ros-jazzy.txt") + pins("colcon.txt"),
        "sim": ["labmaze>=1.0.6", "mujoco>=3.2"],
        "train": [
            "google-crc32c>=1.5",
            "lightning>=2.4",
            # Elsewhere it has no wheel, and only StreetLearn wants it.
            "plyvel>=1.5; sys_platform == 'linux' and platform_machine == 'x86_64' "
            "and python_version < '3.13'",
            "protobuf>=5",
            "tensorboard>=2.17",
        ],
        "dev": [
            "hypothesis>=6.100",
            "mypy>=1.11",
            "pytest>=8.0",
            "pytest-rerunfailures>=14",
            "ruff>=0.6",
            "types-PyYAML",
            "types-tqdm",
        ],
    },
    entry_points={"console_scripts": ["dmn = dmn_core.cli.main:main"]},
)
