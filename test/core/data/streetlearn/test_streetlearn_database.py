"""StreetLearn's LevelDB is read and written as published; what cannot be read says why."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import plyvel
import pytest

from dmn_core.data.streetlearn.database import (
    GRAPH_KEY,
    StreetLearnDatabase,
    find_database,
    read_panoramas,
)
from dmn_core.data.streetlearn.leveldb import cannot_open
from dmn_core.data.streetlearn.schema import Pano
from dmn_core.data.streetlearn.writer import write_panoramas
from dmn_core.errors import DataError

HOLD = """
import plyvel, sys
leveldb = plyvel.DB(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path, streets: Any) -> Path:
    write_panoramas(tmp_path / "city", streets.tiny())
    return tmp_path / "city"


def test_what_is_written_is_read_and_the_database_is_free_again(
    database: Path, streets: Any
) -> None:
    for _ in range(2):
        assert sorted(read_panoramas(database), key=lambda p: int(p.id)) == streets.tiny()


def test_graph_holds_connections_bounds_and_panoramas_without_images(
    tmp_path: Path, streets: Any
) -> None:
    panoramas = streets.tiny()
    # Cut the line between 4 and 5, and let 1 and 10 be two visits of one place.
    panoramas[3] = replace(panoramas[3], neighbours=("3",))
    panoramas[4] = replace(panoramas[4], neighbours=("6",))
    panoramas[0] = replace(panoramas[0], temporal_neighbours=("10", "unknown"))
    write_panoramas(tmp_path / "city", panoramas)
    with StreetLearnDatabase.open(tmp_path / "city") as database:
        graph = database.graph()
    connections = {one.id: one for one in graph.connection}
    assert connections["2"].neighbor == ["3", "1"]
    assert [connections[str(i)].subgraph_size for i in range(1, 11)] == [4] * 4 + [6] * 6
    assert graph.temporal_connection[0].neighbor == ["10", "unknown"]
    assert graph.min_coords.lat == panoramas[0].place.latitude_deg
    assert graph.max_coords.lng == panoramas[9].place.longitude_deg
    assert {p.id for p in graph.pano} == set(connections)
    assert not any(p.HasField("compressed_image") for p in graph.pano)
    neighbours = graph.pano[0].temporal_neighbor
    assert neighbours[0].coords.lat == panoramas[9].place.latitude_deg
    assert neighbours[0].pano_date == "12/12/2012"
    assert not neighbours[1].HasField("coords")


def test_bytes_are_those_of_the_published_schema() -> None:
    message = Pano(id="a", heading_deg=-9.5, compressed_image=b"x")
    message.coords.lat = 1.0
    # Field 9 {1: double 1.0}, field 13 a double, field 16 bytes with a tag of two bytes.
    assert message.SerializeToString() == bytes.fromhex(
        "0a01614a0909000000000000f03f6900000000000023c082010178"
    )


def test_damaged_values_are_skipped_counted_and_told(database: Path, streets: Any) -> None:
    leveldb = plyvel.DB(str(database))
    leveldb.put(b"a-garbage", b"\xff\xff\xff")
    leveldb.put(
        b"b-nowhere", Pano(id="b", heading_deg=1, compressed_image=b"x").SerializeToString()
    )
    leveldb.close()
    with StreetLearnDatabase.open(database) as opened:
        with pytest.warns(UserWarning, match="2 damaged panoramas .*a-garbage"):
            assert len(list(opened.panoramas())) == 10
        assert opened.damaged == 2


@pytest.mark.parametrize("spoiled", ["lat", "lng", "heading_deg"])
def test_numbers_that_are_none_are_damage(database: Path, streets: Any, spoiled: str) -> None:
    message = Pano(id="c", heading_deg=1, compressed_image=streets.tiny()[0].image_bytes)
    message.coords.lat, message.coords.lng = 51.53, -0.12
    setattr(message if spoiled == "heading_deg" else message.coords, spoiled, float("nan"))
    leveldb = plyvel.DB(str(database))
    leveldb.put(b"c-nan", message.SerializeToString())
    leveldb.close()
    with pytest.warns(UserWarning, match="1 damaged panoramas .*c-nan.*finite latitude"):
        assert len(list(read_panoramas(database))) == 10


def test_damaged_table_says_how_to_save_what_is_whole(tmp_path: Path, streets: Any) -> None:
    path = tmp_path / "city"
    write_panoramas(path, [replace(p, image_bytes=os.urandom(5000)) for p in streets.tiny()])
    plyvel.DB(str(path)).close()  # what was written lies in a log until the next opening
    table = next(path.glob("*.ldb"))
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 0xFF
    table.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged.*repair_db\(.*, paranoid_checks=True\)"):
        list(read_panoramas(path))
    plyvel.repair_db(str(path), paranoid_checks=True)
    assert len(list(read_panoramas(path))) == 9


def test_database_that_another_process_has_open(database: Path, streets: Any) -> None:
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        with pytest.raises(DataError, match="another process has it open; close that, or copy"):
            StreetLearnDatabase.open(database)
        other.communicate()
    assert len(list(read_panoramas(database))) == 10


def test_database_that_may_not_be_written() -> None:
    reason = OSError(b"IO error: /data/LOCK: Permission denied")
    assert "copy the folder to a place you can write" in cannot_open(Path("/data"), reason)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_write_permission(database: Path, streets: Any) -> None:
    (database / "LOCK").chmod(0o400)
    database.chmod(0o500)
    try:
        with pytest.raises(DataError, match="copy the folder"):
            StreetLearnDatabase.open(database)
    finally:
        database.chmod(0o700)


def test_finds_the_one_database_below_a_folder(database: Path, streets: Any) -> None:
    assert find_database(database) == find_database(database.parent) == database
    write_panoramas(database.parent / "pittsburgh", streets.tiny())
    with pytest.raises(DataError, match=r"\['city', 'pittsburgh'\].*give one of these"):
        find_database(database.parent)
    with pytest.raises(DataError, match="none"):
        find_database(database.parent / "missing")


def test_missing_plyvel_says_how_to_get_it(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match="pip install plyvel"):
        StreetLearnDatabase.open(database)


def test_writing_refuses_what_is_there_and_ids_that_are_used_twice(
    database: Path, streets: Any
) -> None:
    before = dict(plyvel_items(database))
    with pytest.raises(DataError, match="exists"):
        write_panoramas(database, streets.tiny())
    with pytest.raises(DataError, match="different ids, got 2 with 1"):
        write_panoramas(database.parent / "new", [streets.tiny()[0]] * 2)
    assert dict(plyvel_items(database)) == before and GRAPH_KEY in before
    assert [path.name for path in database.parent.iterdir()] == ["city"]


def plyvel_items(path: Path) -> list[tuple[bytes, bytes]]:
    leveldb = plyvel.DB(str(path))
    items = list(leveldb)
    leveldb.close()
    return items
