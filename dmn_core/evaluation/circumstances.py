"""Under which circumstances figures were made: what every record says."""

from __future__ import annotations

import dataclasses
import os
import platform
import shlex
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

from dmn_core.evaluation.protocol import EvaluationConfig


def circumstances(config: EvaluationConfig, device: torch.device) -> dict[str, Any]:
    """The protocol, the command that is running, the day and the machine."""
    return {
        **dataclasses.asdict(config),
        "command": running_command(),
        "date": date.today().isoformat(),
        "machine": machine(device),
    }


def running_command() -> str:
    """The command line that is running."""
    return shlex.join(["dmn", *sys.argv[1:]])


def processor() -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((f"{name} ({platform.machine()})" for name in named if name), platform.machine())


def machine(device: torch.device) -> str:
    """The machine in words."""
    cores = f"{processor()}, {os.cpu_count()} cores"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, {cores}"
    return f"CPU, {cores}, {torch.get_num_threads()} threads"
