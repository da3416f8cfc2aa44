"""`dmn worlds streets`: a database, or pictures of places at both visits."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("plyvel")

from dmn_core.cli import worlds_streets
from dmn_core.cli.main import main
from dmn_core.data.simulated_streets import RECORDS_VERSION
from dmn_core.worlds.streets.layout import CityConfig
from dmn_core.worlds.streets.panorama import PanoramaConfig
from dmn_core.worlds.streets.recipe import StreetRecipe


def test_pictures_show_places_at_both_visits_and_the_city_from_above(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["worlds", "streets", "--show", "--count", "1", "--height", "16", "--out", str(tmp_path)])
    sheet, top = (cv2.imread(line) for line in capsys.readouterr().out.splitlines())
    assert sheet is not None and sheet.shape == (16, 3 * 2 * 32, 3)
    first, second = sheet[:, :32].astype(int), sheet[:, 32:64].astype(int)
    assert abs(first - second).mean() > 5
    assert top is not None and top.shape[1] == 2 * top.shape[0]
    arrows = (top == (30, 30, 220)).all(axis=-1).mean()
    assert 0.005 < arrows < 0.2


def test_a_database_is_written_where_the_command_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = StreetRecipe(3, CityConfig(crossings=1), PanoramaConfig(8, 16))
    monkeypatch.setattr(worlds_streets, "street_recipe", lambda views, image_size: tiny)
    main(["worlds", "streets", "--count", "1", "--split", "test", "--cache", str(tmp_path)])
    path = tmp_path / tiny.key / f"test-1-{RECORDS_VERSION}"
    assert f"1 cities with 6 panoramas each in {path}" in capsys.readouterr().out
    assert (path / "CURRENT").is_file()
