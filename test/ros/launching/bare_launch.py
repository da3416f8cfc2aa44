"""Execute a launch file as `ros2 launch` does on a robot, which sees ROS's own packages only.

`python bare_launch.py demo rate:=2.0` prints what was started as JSON, by executable.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# What an installed ROS has, beside this package and what stands in for launch.
SEEN = {
    *("ament_index_python", "launch", "launch_ros", "numpy", "yaml"),
    *("dmn_core", "dmn_ros", "launch_stand_in"),
}


class NotSeen:
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] not in SEEN | sys.stdlib_module_names:
            raise ModuleNotFoundError(f"ros2 launch sees no {name}", name=name)


def main(name: str, *arguments: str) -> None:
    sys.meta_path.insert(0, NotSeen())  # type: ignore[arg-type]
    sys.path[:0] = [str(ROOT), str(HERE)]
    import launch_stand_in

    sys.modules.update(launch_stand_in.modules())
    given = dict(word.split(":=", 1) for word in arguments)
    context = launch_stand_in.LaunchContext(given=given)
    file = runpy.run_path(str(ROOT / "launch" / f"{name}.launch.py"))
    file["generate_launch_description"]().execute(context)
    started = {
        node.executable: {
            "values": node.values,
            "remappings": dict(node.remappings),
            "files": [Path(file).name for file in node.files],
        }
        for node in context.started
    }
    print(json.dumps(started))


if __name__ == "__main__":
    main(*sys.argv[1:])
