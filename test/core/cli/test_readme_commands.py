"""Every command that the documents give can be given, and each kind does its job in small."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.checkpoint import load_checkpoint
from dmn_core.cli.main import COMMANDS, main
from dmn_core.cli.train import TrainCommand

ROOT = Path(__file__).resolve().parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/decisions").glob("*.md")),
    ROOT / "docs/results/README.md",
]
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
TORCHRUN = "torchrun --nnodes 2 --nproc-per-node 4 -m dmn_core.cli.main "
OPTION = re.compile(r"--[a-z][\w.-]*")
NOT_OURS = {"--field", "--show-args"}  # of ros2
# What stands for something else in the documents.
WORDS = {"DIR": "folder", "FILE": "file", "A": "a.mcap", "B": "b.mcap"}


def commands_in(text: str) -> list[str]:
    """Lines of code and code within lines that are calls of ours, with all their alternatives."""
    calls = []
    for block in FENCE.findall(text):
        calls += block.replace("\\\n", " ").splitlines()
    calls += [code.replace("\n", " ") for code in INLINE.findall(FENCE.sub("", text))]
    found = []
    for call in calls:
        words = shlex.split(call.replace(TORCHRUN, "dmn "), comments=True)
        # A name alone names a command, and calls none.
        if len(words) > 2 - (words[:1] == ["make"]) and words[0] in ("dmn", "make"):
            choices = [WORDS.get(word, word).split("|") for word in words if word != "..."]
            found += [" ".join(choice) for choice in itertools.product(*choices)]
    return found


def every_command(first: str) -> list[str]:
    found = [c for page in PAGES for c in commands_in(page.read_text(encoding="utf-8"))]
    return [command for command in dict.fromkeys(found) if command.startswith(f"{first} ")]


@pytest.mark.parametrize("command", every_command("dmn"))
def test_a_command_of_the_documents_is_understood(command, monkeypatch):
    told = []
    for kind in COMMANDS.values():
        monkeypatch.setattr(kind, "run", lambda command: told.append(command))
    main(command.split()[1:])
    (given,) = told
    if isinstance(given, TrainCommand) and " -" in command:
        given.config.refuse_wrong_end()


def options_in(text: str) -> list[str]:
    """Names of options in code within lines that begins with one."""
    codes = INLINE.findall(FENCE.sub("", text))
    return [name for code in codes if code.startswith("--") for name in OPTION.findall(code)]


@cache
def every_option() -> set[str]:
    """Names of the options of all commands, as their help has them."""
    kinds = [("worlds", kind) for kind in ("mazes", "rooms", "streets", "bags")]
    told = io.StringIO()
    for words in [*((name,) for name in COMMANDS), *kinds]:
        with pytest.raises(SystemExit), redirect_stdout(told):
            main([*words, "--help"])
    return set(OPTION.findall(told.getvalue()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_option_that_a_document_names_is_there(page):
    named = {*options_in(page.read_text(encoding="utf-8"))} - NOT_OURS
    groups = {name[: name.rfind(".") + 1] for name in every_option()}  # as in `--curves.*`
    assert named - every_option() - groups == set()


def test_an_option_that_is_not_there_is_found():
    text = "`--network.final-relu` and `--curves.*`, `-r a`, but not --this\n```\n--that\n```\n"
    assert options_in(text) == ["--network.final-relu", "--curves."]
    assert "--network.final-relu" not in every_option() and "--final-relu" in every_option()


@pytest.mark.parametrize("command", every_command("make"))
def test_a_target_of_the_documents_is_there(command):
    done = subprocess.run(
        ["make", "--dry-run", *command.split()[1:]], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_commands_are_found_and_wrong_ones_are_not_understood(capsys):
    text = "`dmn models`, `dmn worlds a|b --show`\n```\nmake x\ndmn train \\\n --n 1 # why\n```\n"
    assert commands_in(text) == [
        *("make x", "dmn train --n 1", "dmn worlds a --show", "dmn worlds b --show")
    ]
    assert len(every_command("dmn")) > 15 and len(every_command("make")) >= 2
    with pytest.raises(SystemExit):
        main(["train", "--no-such-option", "1"])
    capsys.readouterr()


SMALL = (
    *("--batch", 2, "--queries", 2, "--validation-samples", 4, "--warmup-steps", 0),
    *("--environments", 2, "--validation-environments", 2, "--views", 8, "--render-workers", 1),
    *("--accelerator", "cpu", "--threads", 1),
)
STREETS = ("--data", "streets", "--image-size", 28, 56, "--views", 14)
FEW = (
    *("--environments", 2, "--render-workers", 1, "--trials", 2, "--steps", 3),
    *("--particles-global", 16, "--particles-tracking", 8, "--device", "cpu", "--json"),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Rendered once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _somewhere(tmp_path, cache, monkeypatch, one_thread):
    monkeypatch.setenv("DMN_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)


def dmn(*arguments):
    main([str(argument) for argument in arguments])


@pytest.mark.parametrize("kind", ["mazes", "rooms"])
def test_worlds_are_shown(kind, tmp_path, capsys):
    dmn("worlds", kind, "--show", "--count", 1, "--views", 8, "--out", tmp_path)
    pictures = [cv2.imread(line) for line in capsys.readouterr().out.splitlines()]
    assert len(pictures) == 2 and all(picture.std() > 10 for picture in pictures)


def test_drives_are_recorded(tmp_path, capsys):
    options = ("--views", 3, "--duration-s", 2, "--image-size", 32, "--image-rate-hz", 2)
    dmn("worlds", "bags", "--out", tmp_path, *options)
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == ["context", "query"]
    assert all((path / "metadata.yaml").is_file() for path in paths)


def test_models_are_listed(capsys):
    dmn("models")
    lines = capsys.readouterr().out.splitlines()
    assert any("latent-vector-regression" in line for line in lines)
    for baseline in ("closest context", "uninformed"):
        (line,) = (line for line in lines if baseline in line)
        assert line.split()[-4:-1] == ["0", "│", "0"]


@pytest.mark.parametrize(("data", "options"), [("rooms", ()), ("streets", STREETS[2:])])
def test_a_source_is_learned_from_and_evaluated_in(data, options, tmp_path, capsys):
    run = tmp_path / "run"
    dmn("train", "--data", data, *SMALL, *options, "--max-steps", 1, "--out", run)
    capsys.readouterr()
    views = options[-2:] or ("--views", 8)
    best = ("--weights", run / "best.safetensors")
    dmn("evaluate", "--data", data, *best, *FEW, *views)
    printed = json.loads(capsys.readouterr().out)
    assert printed["data"] == data and printed["training"]["samples"] == 4
    assert np.isfinite(printed["dmn"]["tracking_rmse_m"]["value"])


@pytest.mark.parametrize(
    ("recipe", "options", "objective", "particles", "decay", "contexts_max"),
    [
        ("paper", (), "tracking", 32, 0.0, 0),
        ("paper", STREETS, "tracking", 32, 1e-4, 0),
        ("shipped", (), "likelihood", 8, 0.0, 6),
        ("shipped-sequences", (), "sequence", 8, 0.0, 6),
    ],
)
def test_a_recipe_trains(recipe, options, objective, particles, decay, contexts_max, tmp_path):
    dmn("train", "--recipe", recipe, *SMALL, *options, "--max-steps", 2, "--out", tmp_path)
    record = load_checkpoint(tmp_path / "last.safetensors").record
    assert (record["objective"], record["steps"]) == (objective, 2)
    said = record["configuration"]
    assert said["objective"]["particles"] == particles and said["weight_decay"] == decay
    assert said["contexts_max"] == contexts_max
    assert record["data"] == ("streets" if options else "mazes-varied" if contexts_max else "mazes")


def test_several_seeds_train(tmp_path, capsys):
    dmn("train", *SMALL, "--seeds", 3, 5, "--max-steps", 1, "--out", tmp_path)
    assert "best of 2 runs" in capsys.readouterr().out
    runs = json.loads((tmp_path / "grid.json").read_text())["runs"]
    assert {name: run["seed"] for name, run in runs.items()} == {"seed-3": 3, "seed-5": 5}
    three, five = (load_checkpoint(tmp_path / name / "best.safetensors") for name in runs)
    assert three.fingerprint != five.fingerprint


def test_a_grid_of_rates_trains_and_is_what_tables_take(tmp_path, capsys):
    folder = tmp_path / "weights" / "mazes" / "dmn"
    grid = ("--learning-rate-grid", 1e-3, 3e-4)
    dmn("train", *SMALL, *grid, "--max-steps", 1, "--out", folder)
    assert "best of 2 runs" in capsys.readouterr().out
    best = json.loads((folder / "grid.json").read_text())["best"]
    dmn("evaluate", *FEW, "--views", 8, "--weights-dir", tmp_path / "weights")
    printed = json.loads(capsys.readouterr().out)
    fingerprint = load_checkpoint(folder / best / "best.safetensors").fingerprint
    assert printed["fingerprint"] == fingerprint


@pytest.mark.parametrize(
    "launched",
    [("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"), ()],
    ids=["torchrun", "devices"],
)
def test_two_processes_train_together(launched, tmp_path, cache):
    devices = () if launched else ("--devices", 2)
    arguments = ("train", *SMALL, "--max-steps", 1, "--out", tmp_path / "run", *devices)
    done = subprocess.run(
        [sys.executable, *launched, "-m", "dmn_core.cli.main", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    record = load_checkpoint(tmp_path / "run" / "last.safetensors").record
    assert (record["processes"], record["steps"], record["samples"]) == (2, 1, 8)
