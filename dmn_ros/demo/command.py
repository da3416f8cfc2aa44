"""`ros2 run dmn demo`: the command line of the demo."""

from __future__ import annotations

import os
import sys
import time

import rclpy
import tyro
from rclpy.utilities import remove_ros_args
from rich.console import Console

from dmn_core.errors import DmnError
from dmn_ros.demo.domain import DOMAIN, set_environment
from dmn_ros.demo.options import DemoOptions, find_images
from dmn_ros.demo.results import DemoResults
from dmn_ros.demo.run import DemoRun


def main(argv: list[str] | None = None) -> int:
    """Run the demo; the exit code is 0 where poses were published."""
    arguments = remove_ros_args(sys.argv if argv is None else argv)[1:]
    options = tyro.cli(DemoOptions, prog="demo", args=arguments)
    console = Console()
    try:
        _demo(options, console)
    except DmnError as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _demo(options: DemoOptions, console: Console) -> None:
    begin = time.monotonic()
    images = find_images(options.query)
    set_environment()
    console.print(f"{DOMAIN} {os.environ[DOMAIN]}")
    rclpy.init()
    try:
        run = DemoRun(options, images, console)
        run.run()
        results = DemoResults(run.recorder, images)
        table = results.table(options, run.report())
        pictures = results.draw(options.out)
        messages = run.write_bag()
        run.close()
    finally:
        rclpy.try_shutdown()
    console.print(table)
    for picture in pictures:
        console.print(f"picture: {picture}")
    console.print(f"result bag: {options.out / 'result_bag'} ({messages} messages)")
    console.print(f"done in {time.monotonic() - begin:.0f} s")
