"""What a demo shows at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dmn_core.data.ros_decoding import planar_pose, pose_with_covariance, stamp_ns
from dmn_core.evaluation.belief_figures import BeliefPanel, draw_beliefs, evenly
from dmn_core.evaluation.track_figures import draw_track
from dmn_core.evaluation.track_summary import TrackErrors, summary_table, track_errors
from dmn_core.pose_track import PoseTrack
from dmn_core.views import ViewMap
from dmn_ros.conversions import POINT_FIELDS
from dmn_ros.demo.options import DemoOptions, ImageSource
from dmn_ros.demo.processes import DemoError
from dmn_ros.demo.recorder import Recorder
from dmn_ros.demo.run import MAP, POINTS, POSE, TRUTH
from dmn_ros.images import image_decoder
from dmn_ros.map_message import from_map_message

PANELS = 6
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
        self.stamps_ns = [stamp_ns(message.header.stamp) for message in messages]
        decoded = [pose_with_covariance(message.pose) for message in messages]
        self.poses: FloatArray = np.stack([pose for pose, _ in decoded])
        self.covariances: FloatArray = np.stack([covariance for _, covariance in decoded])
        self.truth = _truth(recorder.messages(TRUTH))
        self.view_map: ViewMap = from_map_message(recorder.newest(MAP))

    @property
    def errors(self) -> TrackErrors | None:
        """Errors against the truth, where it is known."""
        return None if self.truth is None else track_errors(self.stamps_ns, self.poses, self.truth)

    def table(self, options: DemoOptions, report: dict[str, str]) -> Table:
        """The figures, with latencies as the localizer reported them."""
        latencies = (report.get("latency_median_ms"), report.get("latency_p95_ms"))
        return summary_table(
            title=f"localization of {options.query} in a map of {options.context}",
            images=self._images.count,
            poses=len(self.poses),
            errors=self.errors,
            latency_ms=tuple(float(value) for value in latencies if value is not None),
            particles=options.particles,
        )

    def draw(self, folder: Path) -> list[Path]:
        """Write the pictures."""
        area = self.view_map.area_m
        if area is None:
            raise DemoError("the map has no area to draw")
        viewpoints = self.view_map.poses_map_camera[0].double().numpy()
        return [
            draw_beliefs(
                folder / "belief_over_time.png",
                self._panels(),
                viewpoints=viewpoints,
                area_m=area,
            ),
            draw_track(
                folder / "track.png",
                poses=self.poses,
                truth=None if self.truth is None else self.truth.poses,
                errors=self.errors,
                viewpoints=viewpoints,
                area_m=area,
            ),
        ]

    def _panels(self) -> list[BeliefPanel]:
        clouds = _by_stamp(self._recorder.messages(POINTS))
        pictures = _by_stamp(self._recorder.messages(self._images.topic))
        decode = image_decoder(compressed=self._images.transport == "compressed")
        drawable = [i for i, stamp in enumerate(self.stamps_ns) if stamp in clouds]
        panels = []
        for index in (drawable[i] for i in evenly(len(drawable), most=PANELS)):
            stamp = self.stamps_ns[index]
            particles, weights = _particles(clouds[stamp])
            panels.append(
                BeliefPanel(
                    time_s=(stamp - self.stamps_ns[0]) / 1e9,
                    particles=particles,
                    weights=weights,
                    estimate=self.poses[index],
                    covariance=self.covariances[index],
                    truth=_at(self.truth, stamp),
                    image=decode(pictures[stamp]) if stamp in pictures else None,
                )
            )
        return panels


def _truth(messages: list[Any]) -> PoseTrack | None:
    if not messages:
        return None
    stamps = [stamp_ns(message.header.stamp) for message in messages]
    return PoseTrack.from_unsorted(stamps, [planar_pose(message.pose) for message in messages])


def _at(truth: PoseTrack | None, stamp: int) -> FloatArray | None:
    return truth.at(stamp) if truth is not None and truth.covers(stamp) else None


def _by_stamp(messages: list[Any]) -> dict[int, Any]:
    return {stamp_ns(message.header.stamp): message for message in messages}


def _particles(cloud: Any) -> tuple[FloatArray, FloatArray]:
    """Poses (K, 3) and weights (K,) of our point cloud."""
    numbers = np.frombuffer(cloud.data, np.float32).reshape(-1, len(POINT_FIELDS)).astype(float)
    weights = numbers[:, 3] / numbers[:, 3].sum()
    return numbers[:, [0, 1, 4]], weights
