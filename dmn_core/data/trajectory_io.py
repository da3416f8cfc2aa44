"""Trajectories as TUM text, the format that trajectory evaluation tools read.

One line a pose, `stamp x y z qx qy qz qw`: seconds, metres, unit quaternion; `#` starts a comment.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from dmn_core.data.ros_poses import planar_from_parts
from dmn_core.errors import DataError, DecodingError
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.pose_track.planar import FloatArray, IntArray

_COLUMNS = "stamp x y z qx qy qz qw"


def write_tum(
    path: str | os.PathLike[str], stamps_ns: Sequence[int] | IntArray, poses: FloatArray
) -> None:
    """Write planar poses (T, 3) at stamps [ns] (T,); stamps are exact, poses lose nothing.

    Raises:
        DataError: There are not as many stamps as poses, or a pose is not finite.
    """
    values = np.asarray(poses, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 3 or len(values) != len(stamps_ns):
        raise DataError(
            f"a trajectory wants stamps (T,) and poses (T, 3), got {len(stamps_ns)} stamps and "
            f"poses of shape {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        raise DataError(f"a trajectory for {os.fspath(path)!r} holds poses that are not finite")
    lines = [f"# {_COLUMNS}"]
    for stamp, (x, y, yaw) in zip(stamps_ns, values, strict=True):
        turn = f"0.0 0.0 {np.sin(yaw / 2):.17g} {np.cos(yaw / 2):.17g}"
        lines.append(f"{_seconds(int(stamp))} {x:.17g} {y:.17g} 0.0 {turn}")
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def read_tum(path: str | os.PathLike[str]) -> tuple[IntArray, FloatArray]:
    """Stamps [ns] (T,) and planar poses (T, 3) of a trajectory.

    Raises:
        DataError: The file is not there, or a line is not eight finite numbers with a unit
            quaternion.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the trajectory {os.fspath(path)!r}: {error}") from None
    stamps, poses = [], []
    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].split()
        if not text:
            continue
        try:
            stamp, pose = _parse(text)
        except (ValueError, DecodingError) as error:
            raise DataError(
                f"{os.fspath(path)!r} line {number}: wanted {_COLUMNS!r}, got {line!r} ({error})"
            ) from None
        stamps.append(stamp)
        poses.append(pose)
    return np.array(stamps, dtype=np.int64), np.array(poses, dtype=np.float64).reshape(-1, 3)


def _seconds(stamp_ns: int) -> str:
    # A float would lose the last hundreds of nanoseconds of a stamp of today.
    sign = "-" if stamp_ns < 0 else ""
    return f"{sign}{abs(stamp_ns) // NANOSECONDS}.{abs(stamp_ns) % NANOSECONDS:09d}"


def _parse(text: list[str]) -> tuple[int, FloatArray]:
    if len(text) != 8:
        raise ValueError(f"{len(text)} columns")
    x, y, z, qx, qy, qz, qw = (float(word) for word in text[1:])
    position = SimpleNamespace(x=x, y=y, z=z)
    return _nanoseconds(text[0]), planar_from_parts(
        position, SimpleNamespace(x=qx, y=qy, z=qz, w=qw)
    )


def _nanoseconds(text: str) -> int:
    whole, _, part = text.partition(".")
    if not (whole.lstrip("+-").isdigit() and (part.isdigit() or not part)):
        return round(float(text) * NANOSECONDS)
    nanoseconds = abs(int(whole)) * NANOSECONDS + int(part[:9].ljust(9, "0"))
    return -nanoseconds if whole.startswith("-") else nanoseconds
