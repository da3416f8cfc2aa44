"""What tests of the core share."""

from __future__ import annotations

import importlib
import os
from contextlib import suppress

import pytest
import torch

# Elsewhere tests that need one of these are skipped without it; `make test` installs them all.
if os.environ.get("DMN_REQUIRE_ALL"):
    for package in ("labmaze", "mujoco", "plyvel"):
        importlib.import_module(package)

with suppress(ImportError):  # tests that need it say so
    from hypothesis import settings

    # A busy machine may take long for any example.
    settings.register_profile("dmn", deadline=None)
    settings.load_profile("dmn")


@pytest.fixture
def one_thread():
    """Small networks: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
