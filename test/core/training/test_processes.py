"""Several processes: what they learn together is what one learns from the same micro-batches."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.training.processes import launch, share_of

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("small_runs.py")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Folder of a run of two processes, and what each of them has in the end."""
    return together(tmp_path_factory.mktemp("two"))


def free_port():
    """One that the system gives nobody who asks for any, as others may until it is in use."""
    for port in count(20_000 + os.getpid() % 10_000):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return str(port)


def together(folder, *lengths):
    """Run two processes, in one call or in calls up to each of these numbers of steps.

    Or, told to `overflow`, until the loss of one of them is not finite, and to be `refused`, to
    where one of them cannot begin.
    """
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = subprocess.run(
        [sys.executable, *torchrun, str(SCRIPT), str(folder), *map(str, lengths)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def test_two_processes_have_the_gradients_and_weights_of_one(small, two, tmp_path):
    _, (first, second) = two
    alone = tmp_path / "alone.pt"
    small.report(small.run(tmp_path / "run", **small.TOGETHER), alone)
    expected = torch.load(alone)
    for part in ("gradients", "weights", "averages"):
        assert expected[part].norm() > 0
        assert torch.equal(first[part], second[part])
        assert torch.allclose(first[part], expected[part], rtol=0, atol=1e-7)
    assert first["samples"] == expected["samples"]
    assert first["best_loss"] == second["best_loss"] == pytest.approx(expected["best_loss"])


def test_two_machines_learn_what_two_processes_of_one_do(two, tmp_path):
    """Machines of one process each, that meet at an address as docs/training.md says."""
    meeting = ("--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1")
    meeting += ("--master-port", free_port())
    machines = [
        subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *meeting,
             "--node-rank", str(rank), str(SCRIPT), str(tmp_path)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    said = [machine.communicate(timeout=300)[1] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    _, of_one_machine = two
    for rank, expected in enumerate(of_one_machine):
        found = torch.load(tmp_path / f"{rank}.pt")
        for part in ("gradients", "weights", "averages"):
            assert torch.equal(found[part], expected[part])


def test_two_processes_resume_exactly(two, tmp_path):
    _, whole = two
    _, resumed = together(tmp_path, 1, 2)
    for before, after in zip(whole, resumed, strict=True):
        for part in ("weights", "averages", "gradients"):
            assert torch.equal(before[part], after[part])
        assert (before["best_loss"], before["samples"]) == (after["best_loss"], after["samples"])
    assert len((tmp_path / "run" / "command.txt").read_text().splitlines()) == 2


def test_one_process_goes_on_with_the_steps_of_two(small, two, tmp_path):
    _, (whole, _) = two
    together(tmp_path, 1)
    not_said = {**small.TOGETHER, "micro_batches": 0}
    alone = small.run(tmp_path / "run", **not_said)
    assert (alone.micro_batches, alone.samples) == (2, whole["samples"])
    assert torch.allclose(small.weights(alone), whole["weights"], rtol=0, atol=1e-6)


def test_processes_end_together_when_one_of_them_diverges(tmp_path):
    assert together(tmp_path, "overflow")[1] == [0, 0]


def test_where_one_process_is_refused_all_say_so(small, tmp_path):
    small.run(tmp_path / "run", max_steps=1)
    first, second = together(tmp_path, "refused")[1]
    assert first == second and first[1:] == ["there is none"] * 2
    assert "seed 0, asked for was 1" in first[0] and "another --out" in first[0]


def test_only_the_first_process_writes(two):
    folder, _ = two
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["processes"] for line in lines] == [2, 2]
    assert len((folder / "run" / "command.txt").read_text().splitlines()) == 1
    assert len(list((folder / "run" / "tensorboard").glob("events.*"))) == 1


@pytest.mark.parametrize(
    ("accelerator", "devices", "said"),
    [
        ("nonsense", 1, "got 'nonsense' and 1: .*invalid accelerator name"),
        ("tpu", 1, "got 'tpu' and 1: "),
        ("cpu", 10_000, "got 'cpu' and 10000: there are [0-9]+ cores"),
        ("auto", 10_000, "got 'auto' and 10000: "),
        pytest.param(
            *("cuda", 1, "got 'cuda' and 1: .*not available"),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
        ("cuda", 10_000, "got 'cuda' and 10000: "),
    ],
)
def test_accelerators_that_are_not_there_are_refused_in_a_line(accelerator, devices, said, small):
    with pytest.raises(ConfigurationError, match=said) as refused:
        launch(small.config(accelerator=accelerator, devices=devices))
    assert "\n" not in str(refused.value) and "--accelerator, as auto" in str(refused.value)


@pytest.mark.parametrize("name", ["devices", "num_nodes"])
@pytest.mark.parametrize("count", [0, -1])
def test_no_processes_are_refused(name, count, small):
    with pytest.raises(ConfigurationError, match=f"{name} wants at least 1, got {count}"):
        small.config(**{name: count})


def test_micro_batches_that_cannot_be_shared_are_refused(small, tmp_path):
    class Three:
        world_size, global_rank = 3, 1

    assert list(share_of(Three, 6)) == [1, 4]
    with pytest.raises(ConfigurationError, match="multiple of the 3 processes, got 4"):
        share_of(Three, 4)
