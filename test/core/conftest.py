"""What tests of the core share."""

from __future__ import annotations

import importlib
import os

import pytest
import torch

# Elsewhere tests that need one of these are skipped without it; `make test` installs them all.
if os.environ.get("DMN_REQUIRE_ALL"):
    for package in ("labmaze", "mujoco", "plyvel"):
        importlib.import_module(package)


@pytest.fixture
def one_thread():
    """Small networks: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
