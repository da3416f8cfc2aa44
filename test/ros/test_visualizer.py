"""What RViz and Foxglove show, computed by the visualizer from real messages over DDS."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dmn.msg import LocalizerStatus, ViewMap, WeightedParticles
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovariance,
    PoseWithCovarianceStamped,
)
from nav_msgs.msg import OccupancyGrid
from nav_msgs.msg import Path as PathMessage
from sensor_msgs.msg import CompressedImage
from visualization_msgs.msg import Marker, MarkerArray

from dmn_core.data.ros_decoding import compressed_image_to_rgb
from dmn_core.errors import DecodingError
from dmn_core.views import ViewMap as Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.markers import to_viewpoint_sheet
from dmn_ros.qualities import LATCHED, RELIABLE
from dmn_ros.visualizer.belief import ellipse, to_belief_grid, to_mode_markers
from dmn_ros.visualizer.paths import PathKeeper

CONFIG = Path(__file__).resolve().parents[2] / "config"
SECOND = 1_000_000_000
AREA = (-10.0, 10.0, -5.0, 5.0)


def belief(*places: tuple[float, float, float], frame: str = "map") -> WeightedParticles:
    """Particles at x, y with weights."""
    x, y, weight = (list(column) for column in zip(*places, strict=True))
    return WeightedParticles(
        header=header(SECOND, frame), x=x, y=y, yaw=[0.0] * len(x), weight=weight
    )


def mode(x: float, y: float, *, std: tuple[float, float]) -> PoseWithCovariance:
    message = PoseWithCovariance(pose=to_pose(np.array([x, y, 0.5])))
    covariance = np.zeros(36)
    covariance[[0, 7]] = np.square(std)
    message.covariance = covariance
    return message


def at(stamp_ns: int, x: float, y: float) -> PoseStamped:
    return PoseStamped(header=header(stamp_ns, "map"), pose=to_pose(np.array([x, y, 0.0])))


def test_the_grid_is_brightest_where_the_belief_is() -> None:
    grid = to_belief_grid(belief((-8.0, 2.0, 0.1), (4.2, -1.3, 0.9)), AREA, cell_m=0.5)
    assert (grid.info.width, grid.info.height, grid.info.resolution) == (40, 20, 0.5)
    values = np.array(grid.data).reshape(20, 40)
    row, column = np.unravel_index(values.argmax(), values.shape)
    origin = grid.info.origin.position
    assert (origin.x + (column + 0.5) * 0.5, origin.y + (row + 0.5) * 0.5) == pytest.approx(
        (4.25, -1.25)
    )
    assert values.max() == 100
    assert values[14, 4] == pytest.approx(100 / 3, abs=1)
    assert (values[:, 35:] == 0).all()


def test_a_huge_area_gets_larger_cells() -> None:
    grid = to_belief_grid(belief((0.0, 0.0, 1.0)), (-1e5, 1e5, -1e5, 1e5), cell_m=0.5)
    assert grid.info.width * grid.info.height <= 1_010_000
    assert max(grid.data) == 100


def test_broken_beliefs_and_modes_are_refused_in_words() -> None:
    broken = belief((0.0, 0.0, 1.0))
    broken.weight = [0.5, 0.5]
    for message in (broken, belief((math.nan, 0.0, 1.0)), WeightedParticles()):
        with pytest.raises(DecodingError, match="particles want"):
            to_belief_grid(message, AREA, cell_m=1.0)
    with pytest.raises(DecodingError, match="a mass for each of 1"):
        to_mode_markers(LocalizerStatus(modes=[mode(0.0, 0.0, std=(1.0, 1.0))]))


def test_modes_are_ellipses_with_their_mass() -> None:
    status = LocalizerStatus(header=header(SECOND, "map"), mode_masses=[0.625, 0.25])
    status.modes = [mode(1.0, 2.0, std=(0.5, 2.0)), mode(-3.0, 0.0, std=(0.0, 0.0))]
    markers = to_mode_markers(status).markers
    assert markers[0].action == Marker.DELETEALL
    assert [marker.ns for marker in markers[1:]] == ["ellipses", "headings", "masses"] * 2
    flat, _, text = markers[1:4]
    assert (flat.scale.x, flat.scale.y) == pytest.approx((8.0, 2.0))
    turn = 2 * math.atan2(flat.pose.orientation.z, flat.pose.orientation.w)
    assert abs(math.sin(turn)) == pytest.approx(1.0)
    assert (text.pose.position.x, text.pose.position.y, text.text) == (1.0, 2.0, "62 %")
    # A marker without a size is refused by RViz.
    assert min(markers[4].scale.x, markers[4].scale.y) > 0
    assert markers[1].color.a > markers[4].color.a


def test_the_ellipse_of_a_turned_covariance() -> None:
    cos, sin = math.cos(0.4), math.sin(0.4)
    turn = np.array([[cos, -sin], [sin, cos]])
    along, across, direction = ellipse(turn @ np.diag([9.0, 1.0]) @ turn.T)
    assert (along, across) == pytest.approx((3.0, 1.0))
    assert math.remainder(direction - 0.4, math.pi) == pytest.approx(0.0, abs=1e-9)


def test_a_path_goes_in_steps_forgets_its_beginning_and_starts_anew_when_time_does() -> None:
    keeper = PathKeeper(step_m=1.0, most=3)
    taken = [keeper.add(at(n, x, 0.0).header, at(n, x, 0.0).pose) for n, x in
             enumerate((0.0, 0.5, 1.0, 2.0, 3.5))]  # fmt: skip
    assert taken == [True, False, True, True, True]
    assert [pose.pose.position.x for pose in keeper.message().poses] == [1.0, 2.0, 3.5]
    assert keeper.add(at(1, 9.0, 0.0).header, at(1, 9.0, 0.0).pose)
    assert [pose.pose.position.x for pose in keeper.message().poses] == [9.0]
    with pytest.raises(DecodingError, match="finite"):
        keeper.add(header(5, "map"), Pose(position=Point(x=math.nan)))


def test_everything_is_drawn_over_dds(probe: Any, mapper: Any, start: Any) -> None:
    mapper()
    drawer = start("visualizer", cell_m=1.0, path_step_m=0.5)
    maps = probe.listen(ViewMap, "map", LATCHED)
    viewpoints = probe.listen(MarkerArray, "viewpoints", LATCHED)
    sheets = probe.listen(CompressedImage, "viewpoint_sheet/compressed", LATCHED)
    grids = probe.listen(OccupancyGrid, "belief_grid", LATCHED)
    modes = probe.listen(MarkerArray, "modes", LATCHED)
    paths = {n: probe.listen(PathMessage, n, LATCHED) for n in ("path", "ground_truth_path")}
    beliefs = probe.publisher(WeightedParticles, "particles", RELIABLE)
    states = probe.publisher(LocalizerStatus, "status", RELIABLE)
    poses = probe.publisher(PoseWithCovarianceStamped, "pose", LATCHED)
    truths = probe.publisher(PoseStamped, "ground_truth", RELIABLE)
    speakers = (beliefs, states, poses, truths)
    probe.wait(lambda: maps and viewpoints and sheets, "a map with pictures")
    probe.wait(lambda: all(p.get_subscription_count() for p in speakers), "the visualizer")
    area = maps[-1].area_m
    sent = belief(((area[0] + area[1]) / 2, (area[2] + area[3]) / 2, 1.0))

    def send_until(done: Any, what: str) -> None:
        """The visualizer may hear of the map, or of its listeners, only now."""

        def again() -> bool:
            beliefs.publish(sent)
            states.publish(LocalizerStatus(header=header(SECOND, "map")))
            return bool(done())

        probe.wait(again, what)

    send_until(lambda: grids and modes, "grid and modes")
    assert grids[-1].info.resolution == 1.0
    assert grids[-1].info.origin.position.x == pytest.approx(area[0])
    for number in range(3):
        stamp = (number + 1) * SECOND
        estimate = PoseWithCovarianceStamped(header=header(stamp, "map"))
        estimate.pose.pose.position.x = float(number)
        truth = at(stamp, float(number), 1.0)

        def grown(estimate: Any = estimate, truth: Any = truth, count: int = number + 1) -> bool:
            """Once more, as truths are heard best effort; the same place adds nothing."""
            poses.publish(estimate)
            truths.publish(truth)
            return all(len(drawn[-1].poses) == count for drawn in paths.values())

        probe.wait(grown, "the paths")
    assert paths["ground_truth_path"][-1].poses[2].pose.position.y == 1.0
    # A message that is no good is refused; the node goes on.

    def refused() -> bool:
        """Until they are heard: those before may still fill the queues."""
        beliefs.publish(belief((math.inf, 0.0, 1.0)))
        truths.publish(PoseStamped(header=header(9 * SECOND, "elsewhere")))
        said = drawer.output
        return "particles refused" in said and "ground_truth refused" in said

    probe.wait(refused, "two warnings")
    seen = len(grids)
    send_until(lambda: len(grids) > seen, "another grid")

    pictures = [m for m in viewpoints[-1].markers if m.ns == "pictures"]
    assert len(pictures) == maps[-1].n_views
    for marker in pictures:
        assert compressed_image_to_rgb(marker.texture).shape == (32, 32, 3)
        assert len(marker.points) == len(marker.uv_coordinates) == 6
    assert len({marker.texture_resource for marker in pictures}) == len(pictures)
    assert compressed_image_to_rgb(sheets[-1]).shape[2] == 3


def test_a_map_without_pictures_takes_those_of_the_map_before_away() -> None:
    views = Views(torch.zeros(1, 2, 4, 3, 3), torch.zeros(1, 2, 3))
    sheet = to_viewpoint_sheet(views, stamp_ns=5, frame_id="map")
    picture = compressed_image_to_rgb(sheet)
    assert picture.size
    assert np.ptp(picture) == 0


def test_the_foxglove_layout_shows_what_the_nodes_publish() -> None:
    layout = json.loads((CONFIG / "foxglove_layout.json").read_text())
    panels = layout["configById"]

    def leaves(node: Any) -> list[str]:
        return [node] if isinstance(node, str) else leaves(node["first"]) + leaves(node["second"])

    assert sorted(leaves(layout["layout"])) == sorted(panels)
    drawn = {"belief_grid", "modes", "path", "ground_truth_path", "viewpoints", "particle_points"}
    assert {f"/{name}" for name in drawn} <= set(panels["3D!dmn"]["topics"])
    fields = LocalizerStatus.get_fields_and_field_types()
    plotted = [p["value"] for name in panels if "Plot" in name for p in panels[name]["paths"]]
    assert plotted
    for value in plotted:
        topic, field = value.split(".")
        assert topic == "/status"
        assert field.split("[")[0] in fields
