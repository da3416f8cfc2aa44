"""The scene holds what there is: paths, particles by weight, modes, views with their pictures."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from dmn_core.belief_monitor import LocalizerStatus
from dmn_core.evaluation.scene import DARK, Scene, draw_scene
from dmn_core.fix import Fix
from dmn_core.particle_filter import Mode
from dmn_core.view_pictures import to_picture_png
from dmn_core.views import ViewMap, ViewRecord

AREA = (-10.0, 10.0, -10.0, 10.0)
PATH = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 0.1], [3.0, 2.5, 0.2]])


def scene(truth):
    picture = to_picture_png(np.full((8, 8, 3), 200, np.uint8))
    view_map = ViewMap(
        torch.zeros(1, 2, 4, 2, 2),
        torch.tensor([[[1.0, 1.0, 0.0], [-5.0, 3.0, 1.0]]]),
        AREA,
        "f",
        (ViewRecord(1, "a", picture), ViewRecord(2, "a")),
    )
    modes = (Mode(PATH[-1], np.diag([4.0, 1.0, 0.1]), 0.75), Mode(-PATH[-1], np.eye(3), 0.25))
    particles = np.concatenate((np.tile(PATH[-1], (3, 1)), np.tile(-PATH[-1], (1, 1))))
    fix = Fix(
        stamp_ns=0,
        pose_map_base=PATH[-1],
        covariance=np.diag([4.0, 1.0, 0.1]),
        pose_odom_base=np.zeros(3),
        particles_map_base=particles,
        weights=np.array([0.3, 0.25, 0.2, 0.25]),
        latency_s=0.1,
        status=LocalizerStatus(modes=modes),
    )
    return Scene(fix=fix, path=PATH, truth=truth, view_map=view_map, area_m=AREA)


def drawn(truth=None):
    axes = Figure().subplots()
    draw_scene(axes, scene(truth))
    return axes


def test_paths_are_drawn_as_they_were_taken():
    truth = PATH + 1.0
    tracks = [line.get_xydata() for line in drawn(truth).lines if len(line.get_xydata()) == 3]
    assert any(np.array_equal(track, PATH[:, :2]) for track in tracks)
    assert any(np.array_equal(track, truth[:, :2]) for track in tracks)
    assert len([line for line in drawn().lines if len(line.get_xydata()) == 3]) == 1


def test_the_heaviest_particles_are_on_top_and_brightest():
    (cloud,) = (c for c in drawn().collections if len(c.get_offsets()) == 4)
    shares = cloud.get_array()
    assert np.array_equal(shares, np.sort(shares))
    assert shares[-1] == 1
    assert tuple(cloud.get_offsets()[-1]) == (3.0, 2.5)


def test_masses_numbers_and_pictures_stand_in_their_places():
    axes = drawn()
    words = {text.get_text(): text.get_position() for text in axes.texts}
    assert words["75 %"][0] == 3.0
    assert words["25 %"][0] == -3.0
    assert words["1"] == (-5.0, 3.0)
    # The heat map, and the one view that has a picture, behind its viewpoint.
    pictures = [image.get_extent() for image in axes.images]
    assert [-1.6, 0.4, 0.0, 2.0] in [np.round(extent, 3).tolist() for extent in pictures]
    assert len(pictures) == 2
    assert axes.get_xlim() == AREA[:2]
    assert axes.get_facecolor()[:3] == tuple(int(DARK[i : i + 2], 16) / 255 for i in (1, 3, 5))
