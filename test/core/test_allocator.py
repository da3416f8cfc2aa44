"""Memory that is freed stays with the process, once it is told to keep it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PAGES = """
import resource, sys
import torch
from dmn_core.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

torch.ones(2**24)
before = faults()
for _ in range(60):
    torch.ones(2**24)
print(faults() - before)
"""


def page_faults(word: str) -> int:
    run = [sys.executable, "-c", PAGES, word]
    return int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is told")
def test_pages_are_cleared_once_and_then_used_again() -> None:
    given_back, kept = page_faults("give back"), page_faults("keep")
    assert kept < given_back / 5
