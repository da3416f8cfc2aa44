"""The demo's course: mapper and localizer, the map, the bag, and listening until all is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from rich.progress import Progress

from dmn_core.data.bag.reader import TopicSummary, list_topics
from dmn_ros.demo.options import ODOMETRY_TYPE, DemoOptions, ImageSource, find_odometry
from dmn_ros.demo.processes import DemoError, NodeProcess, NodeProcesses
from dmn_ros.demo.recorder import Recorder
from dmn_ros.localizer_watch import localizer_report
from dmn_ros.qualities import EVERYTHING, LATCHED, MANY_LATCHED

POSE, POINTS, TF, TRUTH = "/pose", "/particle_points", "/tf", "/ground_truth"
MAP, VIEWPOINTS, TF_STATIC, DIAGNOSTICS = "/map", "/viewpoints", "/tf_static", "/diagnostics"
FROM_NODES = {
    POSE: "geometry_msgs/msg/PoseWithCovarianceStamped",
    POINTS: "sensor_msgs/msg/PointCloud2",
    TF: "tf2_msgs/msg/TFMessage",
    DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray",
}
LATCHED_TOPICS = {
    MAP: ("dmn/msg/ViewMap", LATCHED),
    VIEWPOINTS: ("visualization_msgs/msg/MarkerArray", LATCHED),
    TF_STATIC: ("tf2_msgs/msg/TFMessage", MANY_LATCHED),
}
RECORDED_FROM_BAG = (ODOMETRY_TYPE, "geometry_msgs/msg/PoseStamped")
# What best effort lost does not come at all.
LAST_S = 5.0


class DemoRun:
    """One run of the demo; the recorder holds what came of it."""

    def __init__(self, options: DemoOptions, images: ImageSource, console: Console) -> None:
        """Prepare to listen; rclpy must be initialised.

        Raises:
            BagError: the query has no odometry, or several.
        """
        self._options = options
        self._images = images
        self._console = console
        self._odometry = find_odometry(options.query)
        of_bag = _topics_of_bag(options, images)
        self._topics = {topic.name: topic.type_name for topic in of_bag}
        self._counts = {topic.name: topic.count for topic in of_bag}
        self.recorder = Recorder()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.recorder)
        for topic, kind in {**FROM_NODES, **self._topics}.items():
            self.recorder.listen(topic, kind, EVERYTHING)
        for topic, (kind, quality) in LATCHED_TOPICS.items():
            self.recorder.listen(topic, kind, quality)

    def run(self) -> None:
        """Play the query bag to the nodes and wait until each image is done with.

        Raises:
            DemoError: a node ended, or nothing happened for a long time.
        """
        with NodeProcesses(self._options.out / "logs") as processes:
            mapper = self._start_mapper(processes)
            localizer = self._start_localizer(processes)
            nodes = [mapper, localizer]
            self._wait(lambda: self.recorder.newest(MAP), nodes, "the map")
            self._wait(lambda: self.report().get("map_views", "0") != "0", nodes, "the localizer")
            views = self.report()["map_views"]
            self._console.print(f"map of {views} views; playing {self._options.query}")
            player = self._start_player(processes)
            self._follow(nodes, player)
            self._hear_the_rest(nodes, player)

    def write_bag(self) -> int:
        """Write what was heard to `result_bag`; the number of messages."""
        topics = [topic for topic in (POSE, POINTS, TF, *self._topics) if topic != DIAGNOSTICS]
        # The map's own message has no definition outside of this package.
        latched = [VIEWPOINTS, TF_STATIC]
        return self.recorder.write(self._options.out / "result_bag", topics, latched=latched)

    def report(self) -> dict[str, str]:
        """The localizer's last report."""
        # Other nodes report on the same topic.
        for message in reversed(self.recorder.messages(DIAGNOSTICS)):
            if (report := localizer_report(message)) is not None:
                return report
        return {}

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self.recorder.destroy_node()

    def _start_mapper(self, processes: NodeProcesses) -> NodeProcess:
        options = self._options
        parameters = {
            "context_bag": options.context.resolve(),
            "weights": options.weights,
            "device": options.device,
            "threads": options.threads,
        }
        return processes.start("mapper", parameters)

    def _start_localizer(self, processes: NodeProcesses) -> NodeProcess:
        options = self._options
        parameters = {
            "weights": options.weights,
            "device": options.device,
            "threads": options.threads,
            "max_particles": options.particles,
            "random_seed": options.seed,
            "image_transport": self._images.transport,
            "image_queue": "all",
        }
        remap = {"image": self._images.base, "odom": self._odometry}
        return processes.start("localizer", parameters, remap=remap)

    def _start_player(self, processes: NodeProcesses) -> NodeProcess:
        # Localizer and recorder both listen to images and odometry.
        awaited = [topic for topic in self._topics if topic != TF]
        both = [topic for topic in awaited if topic in (self._images.topic, self._odometry)]
        parameters = {
            "bag": self._options.query.resolve(),
            "rate": float(self._options.rate),
            "wait_for_subscribers": awaited + both,
        }
        return processes.start("bag_player", parameters)

    def _wait(self, condition: Callable[[], object], nodes: list[NodeProcess], what: str) -> None:
        deadline = time.monotonic() + self._options.timeout_s
        while not condition():
            self._listen(nodes)
            if time.monotonic() > deadline:
                raise DemoError(f"waited {self._options.timeout_s} s in vain for {what}")

    def _listen(self, nodes: list[NodeProcess]) -> None:
        self._executor.spin_once(timeout_sec=0.1)
        for node in nodes:
            node.require_alive()

    def _follow(self, nodes: list[NodeProcess], player: NodeProcess) -> None:
        """Listen until the localizer has done with each image."""
        deadline = time.monotonic() + self._options.timeout_s
        done, total = 0, self._images.count
        with Progress(console=self._console, transient=True) as progress:
            task = progress.add_task("localizing", total=total)
            # Its report also says how long updates took, so the last pose is not the end.
            while self._done() < total:
                self._listen(nodes)
                if player.popen.poll():
                    player.require_alive()
                before, done = done, max(self.recorder.count(POSE), self._done())
                progress.update(task, completed=done)
                if done > before:
                    deadline = time.monotonic() + self._options.timeout_s
                elif time.monotonic() > deadline:
                    raise DemoError(
                        f"no image was done with for {self._options.timeout_s} s, after {done} of "
                        f"{total}; the localizer says: {self.report()}"
                    )

    def _hear_the_rest(self, nodes: list[NodeProcess], player: NodeProcess) -> None:
        """Listen for what is still on its way, and for the bag's messages after its last image."""
        self._wait(lambda: player.popen.poll() is not None, nodes, "the end of the bag")
        processed = int(self.report().get("images_processed", 0))
        wanted = {POSE: processed, POINTS: processed, **self._counts}
        deadline = time.monotonic() + LAST_S
        while any(self.recorder.count(topic) < count for topic, count in wanted.items()):
            self._listen(nodes)
            if time.monotonic() > deadline:
                return

    def _done(self) -> int:
        report = self.report()
        return int(report.get("images_processed", 0)) + int(report.get("images_dropped", 0))


def _topics_of_bag(options: DemoOptions, images: ImageSource) -> list[TopicSummary]:
    """Topics of the query bag that are worth recording."""

    def is_wanted(topic: TopicSummary) -> bool:
        return topic.count > 0 and (
            topic.name == images.topic or topic.type_name in RECORDED_FROM_BAG
        )

    return [topic for topic in list_topics(options.query) if is_wanted(topic)]
