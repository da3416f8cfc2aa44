"""Files that are whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dmn_core.whole_file import whole_file


def test_where_writing_fails_the_file_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    with whole_file(path) as partial:
        partial.write_text("before")
    with pytest.raises(FileNotFoundError), whole_file(path) as partial:
        partial.rename(tmp_path / "gone")
    assert path.read_text() == "before"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_others_may_read_weights_and_maps_as_they_may_any_new_file(
    tmp_path: Path, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "map.safetensors") as partial:
            save_file({"a": torch.zeros(1)}, partial)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "map.safetensors").stat().st_mode) == mode
