"""What `dmn train` makes of its options, before anything is trained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dmn_core.cli.main import main
from dmn_core.cli.train import TrainCommand
from dmn_core.data.sources import SOURCES
from dmn_core.evaluation.data_kinds import kind_of
from dmn_core.training.recipes import COUNTS, RECIPES


@pytest.fixture
def told(monkeypatch, tmp_path):
    """The command and the weights to start from of each run that would be trained."""
    runs = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TrainCommand, "_train", lambda *told: runs.append(told[:2]))
    return runs


def train(*words):
    main(["train", *map(str, words), "--accelerator", "cpu"])


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ((), "runs/mazes"),
        (("--data", "gqn-mazes", "--root", "DIR"), "runs/gqn-mazes"),
        (("--bag", "A.mcap", "B.mcap"), "runs/bags"),
        (("--data", "rooms", "--system", "latent-image"), "runs/rooms-latent-image"),
        (("--recipe", "shipped"), "runs/mazes-varied"),
        (("--out", "elsewhere"), "elsewhere"),
    ],
)
def test_data_is_all_that_need_be_said(words, folder, told):
    train(*words)
    ((command, _),) = told
    assert command.folder == Path(folder)
    assert command.config.patience_steps > 0


@pytest.mark.parametrize("page", [("--table", 1), ("--figure", 8)])
def test_what_is_compared_goes_where_it_is_looked_for(page, told):
    train(*page, "--max-steps", 5)
    assert {command.folder.parents[1] for command, _ in told} == {Path("runs/record")}


def test_each_kind_of_data_has_the_papers_decay_and_a_size_of_its_own(told):
    train("--table", 3, "--recipe", "paper", "--sources.streets-image-size", 28, 56)
    assert {command.data for command, _ in told} == {"rooms", "mazes", "streets"}
    for command, _ in told:
        network, streets = command.config.network, command.data == "streets"
        size = (network.image_height, network.image_width)
        assert size == ((28, 56) if streets else (32, 32))
        assert command.config.weight_decay == (1e-4 if streets else 0.0)


def test_a_size_for_all_and_one_for_streets(told):
    train("--table", 3, "--image-size", 64, 64, "--max-steps", 1)
    assert {command.image_size for command, _ in told} == {(64, 64)}
    told.clear()
    sizes = ("--image-size", 64, 64, "--sources.streets-image-size", 28, 56)
    train("--table", 3, *sizes, "--max-steps", 1)
    assert {command.image_size for command, _ in told} == {(64, 64), (28, 56)}


def test_large_maps_of_rooms_leave_fewer_queries_and_are_trained_first(told):
    train("--figure", 8, "--data", "rooms", "--max-steps", 1)
    dmn = [command.config for command, _ in told if command.system == "dmn"]
    assert [(config.contexts, config.queries) for config in dmn] == [
        *((16, 4), (8, 8), (4, 8), (2, 8), (1, 8))
    ]
    # Rows compare where they compare as much.
    assert len({command.config.compared for command, _ in told}) == 1


def test_maps_too_large_for_rooms_are_refused_before_anything_is_trained(told, capsys):
    with pytest.raises(SystemExit):
        train("--figure", 8, "--data", "rooms", "--curves.contexts", 4, 32, "--max-steps", 1)
    said = capsys.readouterr().err
    assert "--views" in said and "--curves.contexts" in said and told == []
    train("--figure", 8, "--data", "rooms", "--curves.contexts", 32, "--views", 40)
    assert [command.config.queries for command, _ in told] == [8]


@pytest.mark.parametrize(
    "other", [("--system", "latent-image"), ("--image-size", 64, 64)], ids=["system", "size"]
)
def test_bags_start_fresh_where_no_such_weights_are_shipped(other, told, capsys):
    train("--bag", "A.mcap", *other)
    ((command, start),) = told
    assert start is None and "starts from fresh weights" in capsys.readouterr().out
    assert command.learning_rate == RECIPES["default"].learning_rate
    told.clear()
    with pytest.raises(SystemExit):
        train("--bag", "A.mcap", *other, "--start-from", "shipped")
    assert told == [] and "--start-from fresh" in capsys.readouterr().err


def test_bags_start_from_the_shipped_weights_of_their_network(told, capsys):
    train("--bag", "A.mcap")
    ((command, start),) = told
    assert start is not None and start.network.config == command.config.network
    assert "fresh" not in capsys.readouterr().out
    assert command.learning_rate == RECIPES["fine-tuning"].learning_rate


def test_views_of_streetlearn_cannot_be_chosen(told, capsys):
    with pytest.raises(SystemExit):
        train("--data", "streetlearn", "--root", "DIR", "--views", 30, "--max-steps", 1)
    said = capsys.readouterr().err
    assert "'streetlearn' wants views 0, got 30" in said and "leave --views out" in said
    published = ("--sources.streets", "streetlearn", "--sources.streets-root", "DIR")
    train("--table", 3, *published, "--views", 30, "--max-steps", 1)
    views = {command.data: command.views for command, _ in told}
    assert views == {"rooms": 30, "mazes": 30, "streetlearn": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--table", 2, "--data", "streets"), "--sources.streets, got --data streets"),
        (("--table", 1, "--root", "DIR"), "--sources.mazes-root"),
        (("--table", 1, "--bag", "A.mcap"), "no recordings, got --bag A.mcap"),
        (("--table", 1, "--system", "latent-image"), "every system that it has a row of"),
        (("--figure", 8, "--system", "latent-image"), "--curves.systems, got --system latent"),
    ],
)
def test_what_a_page_would_not_look_at_is_refused(words, said, told, capsys):
    with pytest.raises(SystemExit):
        train(*words, "--max-steps", 1)
    assert said in capsys.readouterr().err and told == []


def numbers(told):
    """Places and views of each, by the kind of data."""
    return {command.data: (command.environments, command.views) for command, _ in told}


def test_numbers_of_a_recipe_are_for_its_own_kind_of_data(told):
    train("--table", 3, "--recipe", "shipped", "--max-steps", 1)
    assert numbers(told) == {"rooms": (0, 0), "mazes": (20_000, 40), "streets": (0, 0)}
    told.clear()
    train("--table", 2, "--recipe", "shipped", "--environments", 20_000, "--max-steps", 1)
    assert numbers(told) == {"streets": (20_000, 0)}
    told.clear()
    train("--table", 3, "--recipe", "shipped", "--environments", 0, "--views", 30, "--max-steps", 1)
    assert set(numbers(told).values()) == {(0, 30)}
    told.clear()
    train("--recipe", "shipped", "--max-steps", 1)
    assert numbers(told) == {"mazes-varied": (20_000, 40)}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("data", SOURCES)
def test_a_recipe_leaves_numbers_of_other_data_to_it(recipe, data, told):
    needs = SOURCES[data].needs
    where = (f"--{needs}", "DIR") if needs else ()
    named = () if data == "bags" else ("--data", data)
    train("--recipe", recipe, *named, *where, "--max-steps", 1, "--start-from", "fresh")
    wanted = [getattr(RECIPES[recipe], count) for count in COUNTS]
    own = kind_of(data) == kind_of(RECIPES[recipe].data) and not needs
    assert numbers(told) == {data: tuple(wanted) if own else (0, 0)}
    # What was given stays.
    told.clear()
    given = ("--environments", 30, "--max-steps", 1, "--start-from", "fresh")
    train("--recipe", recipe, *named, *where, *given)
    assert numbers(told)[data][0] == 30


def test_a_recipe_leaves_numbers_of_other_data_to_it_in_pages(told):
    train("--figure", 10, "--recipe", "shipped", "--data", "streets", "--max-steps", 1)
    assert numbers(told) == {"streets": (0, 0)}
    told.clear()
    published = ("--sources.mazes", "gqn-mazes", "--sources.mazes-root", "DIR")
    train("--table", 1, "--recipe", "shipped-sequences", *published, "--max-steps", 1)
    assert numbers(told) == {"rooms": (0, 0), "gqn-mazes": (0, 0)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "mazes", "--root", "DIR"), "or streetlearn, got --data mazes: say which it is"),
        (("--bag", "A.mcap", "--root", "DIR"), "or streetlearn, got --bag A.mcap"),
        (("--recipe", "shipped", "--root=DIR"), "or streetlearn, got no --data"),
        (("--data", "mazes", "--topics.image-topic", "/x"), "wants --bag, got --data mazes"),
        (("--data", "rooms", "--bag", "A.mcap"), "got --data rooms beside --bag A.mcap: leave one"),
        (("--sources.streets-image-size", 28, 56), "got no --table: give --data and --root"),
        (("--figure", 8, "--sources.mazes", "mazes-varied"), "is for tables, got --figure 8"),
        (("--table", 1, "--curves.contexts", 1), "figures 7 to 11, got --table 1: leave"),
        (("--curves.systems", "dmn"), "figures 7 to 11, got no --figure"),
        (("--far-contexts", 4), "as only streets and streetlearn have, got data 'mazes'"),
    ],
)
def test_what_would_not_be_looked_at_is_refused_before_anything_is_made(words, said, told, capsys):
    with pytest.raises(SystemExit):
        train(*words, "--max-steps", 1)
    assert said in capsys.readouterr().err and told == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accelerator", "nonsense"), "got 'nonsense' and 1"),
        (("--accelerator", "tpu"), "got 'tpu' and 1"),
        (("--accelerator", "cuda", "--devices", 10_000), "got 'cuda' and 10000"),
        (("--accelerator", "cpu", "--devices", 10_000), "got 'cpu' and 10000"),
        (("--devices", 0), "devices wants at least 1, got 0"),
        (("--patience-steps", 500), "at least validate_every_steps, 1000, got 500"),
        (("--objective.uniform-fraction-start", 0), "a run whose length is known"),
    ],
)
def test_what_a_run_cannot_be_is_said_in_a_line(words, said, told, capsys):
    with pytest.raises(SystemExit):
        main(["train", *map(str, words)])
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and told == []


@pytest.mark.parametrize("page", [(), ("--table", 5)])
def test_runs_in_a_folder_of_another_kind_are_refused_before_anything_is_made(page, told, capsys):
    train(*page, "--max-steps", 1, "--out", "here")
    one = told[0][0].folder
    (one / "lr-0.001-seed-0").mkdir(parents=True)
    for holder, words in ((one, ("--seeds", 0)), (one / "lr-0.001-seed-0", ())):
        told.clear()
        (holder / "last.pt").write_bytes(b"")
        with pytest.raises(SystemExit):
            train(*page, "--max-steps", 1, "--out", "here", *words)
        assert "give another --out" in capsys.readouterr().err and told == []
        (holder / "last.pt").unlink()


def test_what_is_looked_at_is_taken(told):
    train("--data", "bags", "--bag", "A.mcap", "--topics.image-topic", "/x")
    train("--bag", "A.mcap", "--topics.pose-topic", "tf")
    train("--data", "streets", "--far-contexts", 4, "--root", "", "--max-steps", 1)
    train("--data", "streetlearn", "--root", "DIR", "--far-contexts", 4, "--max-steps", 1)
    assert [command.data for command, _ in told] == ["bags", "bags", "streets", "streetlearn"]


@pytest.mark.parametrize("package", ["lightning", "tensorboard"])
def test_packages_that_training_lacks_are_named(package, told, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit):
        train("--max-steps", 1)
    said = capsys.readouterr().err
    assert f"not installed: {package};" in said and "pip install lightning tensorboard" in said
    assert "pip install 'dmn-localization[train]'" in said and told == []
