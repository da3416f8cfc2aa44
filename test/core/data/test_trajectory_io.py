"""TUM trajectories: nothing is lost on the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dmn_core.data.trajectory_io import read_tum, write_tum
from dmn_core.errors import DataError

NOW = 1_790_000_000_123_456_789


def test_round_trip_is_exact_in_time_and_place(tmp_path) -> None:
    rng = np.random.default_rng(0)
    stamps = NOW + np.cumsum(rng.integers(1, 10**9, 50))
    poses = rng.uniform((-1e3, -1e3, -np.pi), (1e3, 1e3, np.pi), (50, 3))
    write_tum(tmp_path / "t.tum", stamps, poses)
    got_stamps, got_poses = read_tum(tmp_path / "t.tum")
    np.testing.assert_array_equal(got_stamps, stamps)
    np.testing.assert_array_equal(got_poses[:, :2], poses[:, :2])
    np.testing.assert_allclose(got_poses[:, 2], poses[:, 2], atol=1e-12)


def test_columns_are_those_of_the_format(tmp_path) -> None:
    write_tum(tmp_path / "t.tum", [NOW, 5], np.array([[1.5, -2.0, 0.75], [0.0, 0.0, -3.0]]))
    comment, first, second = (tmp_path / "t.tum").read_text().splitlines()
    assert comment.startswith("#")
    words = first.split()
    assert words[0] == "1790000000.123456789"
    assert second.split()[0] == "0.000000005"
    table = np.loadtxt(tmp_path / "t.tum")
    np.testing.assert_array_equal(table[0, 1:4], [1.5, -2.0, 0.0])
    assert Rotation.from_quat(table[0, 4:]).as_euler("zyx")[0] == pytest.approx(0.75)
    assert Rotation.from_quat(table[1, 4:]).as_euler("zyx")[0] == pytest.approx(-3.0)


def test_files_of_others_are_read(tmp_path) -> None:
    (tmp_path / "t.tum").write_text(
        "# made elsewhere\n\n1.5e0 1 2 3 0 0 1 0 # turned\n7 0 0 0 0 0 0 1\n"
    )
    stamps, poses = read_tum(tmp_path / "t.tum")
    assert stamps.tolist() == [1_500_000_000, 7_000_000_000]
    np.testing.assert_allclose(poses, [[1, 2, np.pi], [0, 0, 0]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.0 2.0", "line 1: wanted 'stamp x y z qx qy qz qw', got '1.0 2.0' .*2 columns"),
        ("# ok\n1 0 0 0 0 0 0 0", "line 2: .*length 0"),
        ("1 nan 0 0 0 0 0 1", "line 1: .*finite"),
        ("x 0 0 0 0 0 0 1", "line 1: .*'x'"),
    ],
)
def test_malformed_lines_are_refused(tmp_path, text, words) -> None:
    (tmp_path / "t.tum").write_text(text)
    with pytest.raises(DataError, match=words):
        read_tum(tmp_path / "t.tum")


def test_what_is_no_trajectory_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="cannot read the trajectory"):
        read_tum(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"2 stamps and poses of shape \(1, 3\)"):
        write_tum(tmp_path / "t.tum", [1, 2], np.zeros((1, 3)))
    with pytest.raises(DataError, match="not finite"):
        write_tum(tmp_path / "t.tum", [1], np.array([[0.0, np.nan, 0.0]]))
