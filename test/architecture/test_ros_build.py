"""What ROS 2 from wheels needs beside the wheels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.fix_ros_wheel_paths import rewrite, rewrite_prefix

ROOT = Path(__file__).resolve().parents[2]
WHEEL_LINE = (
    'INTERFACE_INCLUDE_DIRECTORIES "/opt/python/cp312-cp312/include/python3.12;/opt/python/'
    'cp312-cp312/lib/python3.12/site-packages/numpy/_core/include;${_IMPORT_PREFIX}/include"'
)
HERE = {"python_include": "/p/include", "numpy_include": "/n/include"}
# tf2_msgs/msg/TFMessage of the ROS 2 distributions.
TF_MESSAGE_HASH = "RIHS01_e369d0f0"


def test_wheel_paths_become_this_interpreters(tmp_path: Path) -> None:
    export = tmp_path / "share" / "std_msgs" / "cmake" / "export.cmake"
    export.parent.mkdir(parents=True)
    export.write_text(WHEEL_LINE, encoding="utf-8")
    assert list(rewrite_prefix(tmp_path, **HERE)) == [export]
    assert "/opt/python" not in export.read_text(encoding="utf-8")
    assert list(rewrite_prefix(tmp_path, **HERE)) == []


def test_rewriting_leaves_the_rest() -> None:
    expected = 'INTERFACE_INCLUDE_DIRECTORIES "/p/include;/n/include;${_IMPORT_PREFIX}/include"'
    assert rewrite(WHEEL_LINE, **HERE) == expected


@pytest.mark.ros
def test_transforms_have_the_original_type() -> None:
    from ament_index_python.packages import get_package_share_directory

    description = Path(get_package_share_directory("tf2_msgs"), "msg", "TFMessage.json")
    hashes = json.loads(description.read_text(encoding="utf-8"))["type_hashes"]
    by_name = {entry["type_name"]: entry["hash_string"] for entry in hashes}
    assert by_name["tf2_msgs/msg/TFMessage"].startswith(TF_MESSAGE_HASH)


@pytest.mark.ros
def test_the_overlay_holds_every_module_and_script() -> None:
    from ament_index_python.packages import get_package_prefix

    prefix = Path(get_package_prefix("dmn"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    installed = prefix / "lib" / version / "site-packages"
    sources = [p for name in ("dmn_core", "dmn_ros") for p in (ROOT / name).rglob("*.py")]
    assert [p.name for p in sources if not (installed / p.relative_to(ROOT)).is_file()] == []
    for script in (ROOT / "scripts").iterdir():
        assert os.access(prefix / "lib" / "dmn" / script.name, os.X_OK)


@pytest.mark.parametrize(
    "name", ["torch", "rclpy", "numpy", "cv2", "transforms3d", "pytest", "mujoco", "labmaze"]
)
def test_dependencies_import_without_a_display(name: str) -> None:
    absent = {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}
    environment = {key: value for key, value in os.environ.items() if key not in absent}
    result = subprocess.run(
        [sys.executable, "-c", f"import {name}"], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
