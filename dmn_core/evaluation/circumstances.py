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

# What `python -m dmn_core.cli.main`, and torchrun, call a program that is `dmn`.
_DMN_AS_A_MODULE = str(Path("dmn_core", "cli", "main.py"))


def circumstances(config: EvaluationConfig, device: torch.device) -> dict[str, Any]:
    """The protocol, the command that is running, the day and the machine."""
    return {
        **dataclasses.asdict(config),
        "command": running_command(),
        "date": date.today().isoformat(),
        "machine": machine(device),
    }


def running_command() -> str:
    """The command line that is running, as it would be given again."""
    program, *options = sys.argv
    if Path(program).stem == "dmn" or program.endswith(_DMN_AS_A_MODULE):
        started = ["dmn"]
    else:
        started = ["python", program] if program.endswith(".py") else [program]
    return shlex.join([*started, *options])


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
