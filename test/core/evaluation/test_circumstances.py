"""What a record says of how it was made: the command that makes it again."""

from __future__ import annotations

import sys

import pytest

from dmn_core.evaluation.circumstances import running_command


@pytest.mark.parametrize(
    ("started", "command"),
    [
        (".venv/bin/dmn", "dmn --table 1 'a b'"),
        ("dmn", "dmn --table 1 'a b'"),
        ("somewhere/dmn_core/cli/main.py", "dmn --table 1 'a b'"),
        ("benchmarks/recipe_parts.py", "python benchmarks/recipe_parts.py --table 1 'a b'"),
        ("lib/dmn/demo", "lib/dmn/demo --table 1 'a b'"),
    ],
)
def test_the_command_is_the_one_that_was_given(started, command, monkeypatch):
    monkeypatch.setattr(sys, "argv", [started, "--table", "1", "a b"])
    assert running_command() == command
