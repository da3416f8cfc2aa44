"""The command for a missing row trains as the row beside it was trained."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
import torch

from dmn_core.checkpoint import save_checkpoint
from dmn_core.cli.like_training import OF_A_CALL, options_like
from dmn_core.cli.main import main
from dmn_core.cli.train import TrainCommand
from dmn_core.config import changed, to_dict
from dmn_core.data.sources import DataConfig
from dmn_core.evaluation.subjects import Subject, WeightsFolder
from dmn_core.observation import build_network
from dmn_core.systems import network_of

RUNS = {
    "default": ("--max-steps", "700"),
    "paper": ("--recipe", "paper", "--learning-rate", "3e-4"),
    "small streets": ("--recipe=paper", "--data", "streets", "--image-size", "28", "56"),
    "shipped": ("--recipe", "shipped", "--precision", "bf16-mixed", "--minutes", "5"),
    "published": ("--data", "gqn-mazes", "--root", "some where", "--environments", "300"),
    "parts": ("--objective.particles", "5", "--augmentation.noise", "2", "--final-relu"),
    "streetlearn": ("--data", "streetlearn", "--root", "x", "--recipe", "shipped"),
    "numbers": ("--data", "rooms", "--recipe", "shipped", "--environments", "20000"),
}
SUBJECTS = (
    Subject("dmn"),
    Subject("latent-image"),
    Subject("view-embedding-regression"),
    Subject("dmn", contexts=8),
    Subject("dmn", environments=50),
    Subject("dmn", contexts=4, classification=True),
)


@pytest.fixture
def parse(monkeypatch):
    """What a command line asks for."""
    told = []
    monkeypatch.setattr(TrainCommand, "run", lambda command: told.append(command))

    def parsed(words):
        main(["train", *words])
        return told.pop()

    return parsed


def record_of(command, words, **more):
    said = to_dict(command.config)
    return {"command": shlex.join(["dmn", "train", *words]), "configuration": said, **more}


@pytest.mark.parametrize(
    ("run", "beside"),
    [
        *((run, SUBJECTS[0]) for run in RUNS),
        *(("default", beside) for beside in SUBJECTS[1:]),
        *(("shipped", beside) for beside in SUBJECTS[2:]),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_missing_row_is_trained_as_the_one_beside_it(run, beside, parse, tmp_path):
    words = RUNS[run]
    asked = parse(words)
    there = changed(asked, beside.training_options)
    like = options_like(beside, record_of(there, words, steps=600, micro_batches=2))
    data = DataConfig(data=asked.data, root=asked.root)
    for missing in SUBJECTS:
        line = WeightsFolder(tmp_path).training_command(data, missing, like)
        suggested = parse(shlex.split(line)[2:])
        wanted = changed(asked, missing.training_options).config
        theirs = {name: getattr(suggested, name) for name in OF_A_CALL}
        assert suggested.config == replace(wanted, **theirs), line
        assert suggested.max_steps == (asked.max_steps or 600)
        assert suggested.micro_batches == 2
        assert suggested.folder == tmp_path / asked.data / missing.name


def test_a_run_that_says_nothing_of_itself_is_no_example(tmp_path):
    assert options_like(Subject("dmn"), {"samples": 7}) == {}
    unknown = {"configuration": {"no such field": 1}}
    assert options_like(Subject("dmn"), unknown) == {}
    line = WeightsFolder(tmp_path).training_command(DataConfig(), Subject("dmn"), {})
    assert "--max-steps 100000" in line


@pytest.mark.usefixtures("tiny_data")
def test_a_table_suggests_what_its_rows_were_trained_with(parse, tmp_path):
    words = ("--data", "streets", "--image-size", "8", "8", "--recipe", "paper", "--system")
    command = parse([*words, "latent-vector"])
    torch.manual_seed(0)
    path = tmp_path / "streets" / "latent-vector" / "best.safetensors"
    path.parent.mkdir(parents=True)
    record = record_of(command, words, steps=900, samples=14400, data="streets")
    network = build_network(network_of("latent-vector", (8, 8)))
    for name, steps in (("best", 300), ("last", 900)):
        weights = path.with_name(f"{name}.safetensors")
        save_checkpoint(weights, network, record={**record, "steps": steps})
    main(
        [
            *("evaluate", "--table", "2", "--weights-dir", str(tmp_path), "--out", str(tmp_path)),
            *("--trials", "2", "--particles-global", "4", "--device", "cpu"),
        ]
    )
    missing = json.loads((tmp_path / "table_2.json").read_text())["missing"]
    assert len(missing) == 5
    for entry in missing:
        options = "--recipe paper --image-size 8 8 --max-steps 900 --out"
        assert options in entry["command"]
