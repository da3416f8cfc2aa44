"""When the localizer writes its pose to disk, and when it starts from there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from dmn_core.belief_monitor import TRUSTED
from dmn_core.fix import Fix
from dmn_core.localization import Near
from dmn_core.views import ViewMap
from dmn_ros.managed_node import ManagedNode
from dmn_ros.refusals import ProblemLog
from dmn_ros.saved_pose import SavedPose, SavedPoseError, read_pose, write_pose


@dataclass
class LastPose:
    """The last pose that could be trusted, over the lives of one process."""

    known: SavedPose | None = None


class PoseKeeper:
    """Keeps the last pose that can be trusted; the pose before is read when this is made."""

    def __init__(self, node: ManagedNode, last: LastPose) -> None:
        """Find out where a localizer was, where that is asked for.

        Args:
            node: the localizer; where `set_initial_pose` is true, it starts there instead.
            last: where it was before it was cleaned up; counts more than a file.

        Raises:
            SavedPoseError: the file has no name.
        """
        self._node, self._last = node, last
        self._log = ProblemLog(node)
        self._lock = threading.Lock()
        self._newest: tuple[Fix, ViewMap] | None = None
        self._unsaved: tuple[Fix, ViewMap] | None = None
        stated = node.parameters
        path = stated.saved_pose_filepath
        self._path = Path(path).expanduser() if path else None
        self._saved: SavedPose | None = None
        if stated.set_initial_pose:
            return
        if last.known and not stated.always_reset_initial_pose:
            self._saved = last.known
        elif stated.initialize_at_saved_pose:
            self._saved = self._read()

    def start_in(self, view_map: ViewMap) -> Near | None:
        """Where to start in the first map; None where nothing was saved for it."""
        if self._saved is None:
            return None
        try:
            return self._saved.start_in(view_map, particles=self._node.parameters.max_particles)
        except SavedPoseError as error:
            self._node.get_logger().warning(str(error))
            return None

    def settle(self) -> None:
        """A map is in use: the saved pose was for the first one."""
        self._saved = None

    def forget(self) -> None:
        """Somebody says where to start: neither the saved pose nor the last one counts any more."""
        self._saved = None
        with self._lock:
            self._last.known = self._newest = self._unsaved = None

    def keep(self, fix: Fix, view_map: ViewMap | None) -> None:
        """Remember a pose for the next `write`."""
        if view_map is not None and fix.status.state in TRUSTED:
            with self._lock:
                self._newest = self._unsaved = (fix, view_map)

    def write(self) -> None:
        """Write the pose, if it is new."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, None
        if unsaved is None or self._path is None:
            return
        try:
            write_pose(self._path, SavedPose.of(*unsaved))
        except SavedPoseError as error:
            self._log.warn("saved_pose", str(error))

    def close(self) -> None:
        """Write the pose, and leave it for the next life without the map, which is large."""
        self.write()
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is not None:
            self._last.known = SavedPose.of(*newest)

    def _read(self) -> SavedPose | None:
        """The pose in the file; None, with a warning, where there is none that can be used.

        A robot that is started again and again must not stand still for a damaged file.
        """
        if self._path is None:
            raise SavedPoseError("initialize_at_saved_pose wants a file: set saved_pose_filepath")
        try:
            pose, lack = read_pose(self._path), f"there is no saved pose in {self._path} yet"
        except SavedPoseError as error:
            pose, lack = None, str(error)
        if pose is None:
            self._node.get_logger().warning(f"{lack}: starting everywhere in the map")
        return pose
