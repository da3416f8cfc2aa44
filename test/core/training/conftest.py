"""What tests of training share."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """For every test of training."""


@pytest.fixture(scope="session")
def small():
    """The module `small_runs`, which processes that a test starts use too."""
    path = Path(__file__).parent / "small_runs.py"
    spec = importlib.util.spec_from_file_location("small_runs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
