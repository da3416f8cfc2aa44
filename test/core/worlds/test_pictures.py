"""Pictures: tiles in reading order, poses where the map has them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dmn_core.errors import WorldError
from dmn_core.worlds.pictures import contact_sheet, draw_path, draw_views, save_picture

AREA = (-20.0, 20.0, -20.0, 20.0)


def test_contact_sheet_reads_like_a_page() -> None:
    images = np.stack([np.full((4, 4, 3), 10 * k, dtype=np.uint8) for k in range(5)])
    sheet = contact_sheet(images, columns=3, tile_px=8)
    assert sheet.shape == (16, 24, 3)
    assert [int(sheet[4, 4 + 8 * k, 0]) for k in range(3)] == [0, 10, 20]
    assert [int(sheet[12, 4 + 8 * k, 0]) for k in range(3)] == [30, 40, 255]


def test_drives_and_views_are_drawn_with_x_right_and_y_up() -> None:
    top = np.zeros((80, 80, 3), dtype=np.uint8)
    poses = np.array([[-10.0, -10.0, 0.0], [10.0, 10.0, 0.0]])
    drawn = draw_path(top, poses, AREA)
    assert drawn[60, 20, 0] > 200 > drawn[60, 20, 2], "the start, lower left, is red"
    assert drawn[20, 60, 2] > 200 > drawn[20, 60, 0], "the end, upper right, is blue"
    assert drawn[60, 60].max() == 0
    arrows = draw_views(top, np.array([[0.0, 0.0, np.pi / 2]]), AREA)
    assert arrows[38, 40].max() > 0
    assert arrows[45:, :].max() == 0
    assert top.max() == 0


def test_pictures_are_saved_with_their_colours(tmp_path: Path) -> None:
    picture = np.zeros((2, 2, 3), dtype=np.uint8)
    picture[..., 0] = 200
    path = save_picture(tmp_path / "new" / "red.png", picture)
    assert cv2.imread(str(path))[0, 0].tolist() == [0, 0, 200]
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(WorldError, match="cannot write"):
        save_picture(tmp_path / "taken.png", picture)
