"""Check that every module imports only what lies below it: `python tools/check_imports.py`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# From low to high; the units of one line do not import each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "allocator"),
    ("geometry", "pose_track", "weights", "confidence", "spread", "motion_gate", "whole_file"),
    ("calibration",),
    ("views",),
    ("cameras", "view_pictures", "map_area"),
    ("networks", "attention_blocks", "map_editing"),
    ("mapping", "attention", "particle_filter"),
    ("observation", "belief_monitor"),
    ("image_at_poses", "fix", "jump_watch", "trust"),
    ("localization", "regression", "systems"),
    ("session",),
    ("config",),
    ("checkpoint",),
    ("map_codec",),
    ("map_file", "robot", "live_map"),
    ("worlds",),
    ("data",),
    ("evaluation",),
    ("training",),
    ("cli",),
)
RANK = {unit: rank for rank, units in enumerate(ORDER) for unit in units}

SIMULATORS = {"mujoco", "labmaze"}
ROS = {
    "ament_index_python", "builtin_interfaces", "cv_bridge", "dmn", "dmn_ros", "launch",
    "launch_ros", "rcl_interfaces", "rclpy", "std_srvs", "tf2_ros",
}  # fmt: skip

# What the nodes may use above the localizer side: bags and messages, never a world to render.
NODES_ALSO = (
    "dmn_core.data.bag",
    "dmn_core.data.bag_map",
    "dmn_core.data.belief_layout",
    "dmn_core.data.ros_decoding",
    "dmn_core.data.ros_poses",
    "dmn_core.data.ros_transforms",
)
# The demo also measures and draws what the nodes published.
DEMO_ALSO = ("dmn_core.data", "dmn_core.evaluation")
# The simulated robot is the one node that has a world.
SIMULATOR_ALSO = ("dmn_core.data", "dmn_core.worlds")


@dataclass(frozen=True)
class Violation:
    """One import that goes the wrong way."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        """Return `file:line: reason`."""
        return f"{self.path}:{self.line}: {self.reason}"


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of a file below `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import of a file, wherever in the file it stands."""
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from dmn_core import views` names a module, `import View` from it a class.
                inner = root.joinpath(*name.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                is_module = is_module or name == "dmn_core"
                yield node.lineno, f"{name}.{alias.name}" if is_module else name


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Return whether a module is one of the packages or lies inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def core_objection(importer: str, imported: str) -> str | None:
    """Return why a module of dmn_core may not import another module, or None."""
    top = imported.split(".")[0]
    unit = importer.split(".")[1] if "." in importer else None
    if top in ROS or top.endswith("_msgs"):
        return f"dmn_core is used without ROS and imports {imported!r}"
    if unit is None:
        return (
            f"`import dmn_core` must stay light and imports {imported!r}"
            if top != "__future__"
            else None
        )
    if unit not in RANK:
        return f"{unit!r} has no place in ORDER of tools/check_imports.py"
    if top in SIMULATORS and unit != "worlds":
        return f"only dmn_core.worlds may import the simulator, and {unit!r} imports {imported!r}"
    if top != "dmn_core" or imported == "dmn_core":
        return None
    other = imported.split(".")[1]
    if other == unit or other.startswith("__") or RANK.get(other, -1) < RANK[unit]:
        return None
    return f"{unit!r} lies below or beside {other!r} and imports {imported!r}"


def node_objection(importer: str, imported: str) -> str | None:
    """Return why a module of dmn_ros may not import another module, or None."""
    top, _, rest = imported.partition(".")
    if top in SIMULATORS:
        return f"nodes run without the simulator and {importer!r} imports {imported!r}"
    if top != "dmn_core" or not rest or rest.startswith("__"):
        return None
    allowed: tuple[str, ...] = NODES_ALSO
    for package, also in (("demo", DEMO_ALSO), ("simulator", SIMULATOR_ALSO)):
        allowed += also if within(importer, (f"dmn_ros.{package}",)) else ()
    if RANK.get(rest.split(".")[0], len(ORDER)) < RANK["worlds"] or within(imported, allowed):
        return None
    return f"nodes use the localizer side only and {importer!r} imports {imported!r}"


def violations(root: Path) -> list[Violation]:
    """Return every import below `root` that breaks the order."""
    found = []
    for package, objection in (("dmn_core", core_objection), ("dmn_ros", node_objection)):
        for path in sorted((root / package).rglob("*.py")):
            for line, imported in dict.fromkeys(imported_modules(path, root)):
                reason = objection(module_name(path, root), imported)
                if reason is not None:
                    found.append(Violation(path.relative_to(root), line, reason))
    return found


def main() -> int:
    """Print the violations of this checkout."""
    found = violations(Path(__file__).resolve().parents[1])
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
