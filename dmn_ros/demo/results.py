"""What a demo shows at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dmn_core.data.belief_layout import from_point_rows
from dmn_core.data.ros_decoding import planar_pose, pose_with_covariance, stamp_ns
from dmn_core.evaluation.belief_figures import BeliefPanel, evenly
from dmn_core.evaluation.drive_summary import PANELS, DriveSummary
from dmn_core.pose_track import PoseTrack
from dmn_ros.demo.options import DemoOptions, ImageSource
from dmn_ros.demo.processes import DemoError
from dmn_ros.demo.recorder import Recorder
from dmn_ros.demo.run import MAP, POINTS, POSE, TRUTH
from dmn_ros.images import image_decoder
from dmn_ros.map_message import from_map_message

FloatArray = NDArray[np.float64]


class DemoResults:
    """The published poses, looked at."""

    def __init__(self, recorder: Recorder, images: ImageSource) -> None:
        """Read what was recorded.

        Raises:
            DemoError: no pose was published.
        """
        messages = recorder.messages(POSE)
        if not messages:
            raise DemoError("the localizer published no pose: see its log and its diagnostics")
        self._images = images
        self._recorder = recorder
        decoded = [pose_with_covariance(message.pose) for message in messages]
        self._covariances: FloatArray = np.stack([covariance for _, covariance in decoded])
        self.drive = DriveSummary(
            stamps_ns=[stamp_ns(message.header.stamp) for message in messages],
            poses=np.stack([pose for pose, _ in decoded]),
            truth=_truth(recorder.messages(TRUTH)),
            view_map=from_map_message(recorder.newest(MAP)),
        )

    def table(self, options: DemoOptions, report: dict[str, str]) -> Table:
        """The figures, with latencies as the localizer reported them."""
        latencies = (report.get("latency_median_ms"), report.get("latency_p95_ms"))
        return self.drive.table(
            title=f"localization of {options.query} in a map of {options.context}",
            images=self._images.count,
            latency_ms=tuple(float(value) for value in latencies if value is not None),
            particles=options.particles,
        )

    def draw(self, folder: Path) -> list[Path]:
        """Write the pictures."""
        return self.drive.draw(folder, self._panels())

    def _panels(self) -> list[BeliefPanel]:
        clouds = _by_stamp(self._recorder.messages(POINTS))
        pictures = _by_stamp(self._recorder.messages(self._images.topic))
        decode = image_decoder(compressed=self._images.transport == "compressed")
        drive = self.drive
        drawable = [i for i, stamp in enumerate(drive.stamps_ns) if stamp in clouds]
        panels = []
        for index in (drawable[i] for i in evenly(len(drawable), most=PANELS)):
            stamp = drive.stamps_ns[index]
            particles, weights = from_point_rows(bytes(clouds[stamp].data))
            panels.append(
                BeliefPanel(
                    time_s=drive.time_s(stamp),
                    particles=particles,
                    weights=weights,
                    estimate=drive.poses[index],
                    covariance=self._covariances[index],
                    truth=drive.truth_at(stamp),
                    image=decode(pictures[stamp]) if stamp in pictures else None,
                )
            )
        return panels


def _truth(messages: list[Any]) -> PoseTrack | None:
    if not messages:
        return None
    stamps = [stamp_ns(message.header.stamp) for message in messages]
    return PoseTrack.from_unsorted(stamps, [planar_pose(message.pose) for message in messages])


def _by_stamp(messages: list[Any]) -> dict[int, Any]:
    return {stamp_ns(message.header.stamp): message for message in messages}
