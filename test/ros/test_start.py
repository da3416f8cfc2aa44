"""A node's process can be stopped while it is still importing what it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize("name", ["bag_player", "localizer", "mapper", "simulator", "visualizer"])
def test_ctrl_c_during_the_import_ends_quietly(name: str, tmp_path: Path) -> None:
    (tmp_path / "rclpy.py").write_text(SLOW)
    (tmp_path / "torch.py").write_text(SLOW)
    path = os.pathsep.join((str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / name)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, from which these tests may be run, hands on that it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=180) == 0
        assert process.stderr.read() == ""
