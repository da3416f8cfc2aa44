"""A run that a user, or a machine that goes down, tells to stop."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from dmn_core.checkpoint import read_record
from dmn_core.training.loop import Trainer


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT])
def number(request):
    """A signal that is not ignored, as SIGINT is by what a shell starts in the background."""
    usual = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = signal.signal(request.param, usual[request.param])
    yield request.param
    signal.signal(request.param, before)


def test_a_run_that_is_told_to_stop_loses_no_step(small, tmp_path, monkeypatch, number):
    whole = small.run(tmp_path / "whole")
    step, handler = Trainer._step, signal.getsignal(number)

    def told(self, progress):
        losses = step(self, progress)
        if self.steps == 5:  # of 6, between two validations
            os.kill(os.getpid(), number)
        return losses

    monkeypatch.setattr(Trainer, "_step", told)
    with pytest.raises(SystemExit) as stopped:
        small.run(tmp_path / "cut")
    assert stopped.value.code == 128 + number and signal.getsignal(number) is handler
    monkeypatch.setattr(Trainer, "_step", step)
    resumed = small.trainer(tmp_path / "cut")
    assert resumed.steps == 5
    assert read_record(tmp_path / "cut/last.safetensors")["steps"] == 5
    resumed.run()
    assert torch.equal(small.weights(whole), small.weights(resumed))
    last, expected = (run.folder.log.read_text().splitlines()[-1] for run in (resumed, whole))
    for name in ("training", "unseen", "samples"):
        assert json.loads(last)[name] == json.loads(expected)[name]
