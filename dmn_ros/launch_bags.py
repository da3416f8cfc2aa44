"""What `demo.launch.py` wants to know of bags, asked of a process of its own.

`ros2 launch` runs under the system's python3, which sees no environment that is active. What reads
and renders bags may be only there, so that nothing of it is imported at the top of this file.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from dmn_core.errors import ConfigurationError, DmnError

WANTED = {
    "images": "bag:={} wants a bag with images",
    "context": "a simulated robot (seed:={} views:={}) wants views of its maze",
}


def ask(question: str, *about: str) -> Any:
    """The answer of a process with the python3 of the PATH, as the nodes' scripts take it.

    Args:
        question: `images` of a bag, as `dmn_ros.demo.options.ImageSource` has them; or the path of
            the simulated `context` bag, which is recorded where it is not there yet.
        *about: path of the bag; or seed and number of views.

    Raises:
        ConfigurationError: there is no such bag, or something that is needed is not installed.
    """
    command = ["env", "python3", "-m", __name__, question, *about]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or f"{' '.join(command)} ended with code {done.returncode}"
        raise ConfigurationError(f"{WANTED[question].format(*about)}: {said}")
    # Libraries may have written something before it.
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the answer to the question on the command line; the exit code."""
    try:
        print(json.dumps(_answer(*sys.argv[1:])))
    except DmnError as error:
        print(error, file=sys.stderr)
        return 1
    except ImportError as error:
        advice = 'activate an environment that has it before ros2 launch (README.md, "On a robot")'
        print(f"{sys.executable} says: {error}; {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _answer(question: str, *about: str) -> Any:
    if question == "images":
        from dmn_ros.demo.options import find_images

        return dataclasses.asdict(find_images(Path(*about)))
    from dmn_ros.simulator.context import simulated_context

    return str(simulated_context(*map(int, about)))


if __name__ == "__main__":
    sys.exit(main())
