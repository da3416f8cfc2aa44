"""Result bags, read back by a reader of their own kind and by ours."""

from __future__ import annotations

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from dmn_core.data.bag import list_topics
from dmn_core.data.result_bag import POINT_FIELDS, ResultBagWriter
from dmn_core.data.ros_decoding import planar_pose, pose_with_covariance, stamp_ns
from dmn_core.errors import BagError

NOW = 1_790_000_000_123_456_789


def belief(seed: int, particles: int = 300):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(3, 3))
    weights = rng.random(particles) ** 4
    return {
        "pose": rng.uniform(-3, 3, 3),
        "covariance": factor @ factor.T,
        "particles": rng.uniform(-3, 3, (particles, 3)),
        "weights": weights / weights.sum(),
    }


def read(path):
    messages = {}
    with AnyReader([path]) as reader:
        for connection, stamp, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            messages.setdefault(connection.topic, []).append((stamp, message))
    return messages


def test_everything_comes_back(tmp_path) -> None:
    with ResultBagWriter(tmp_path / "result", max_cloud_poses=50) as writer:
        for index in range(3):
            truth = None if index == 0 else np.array([index, 0.0, 0.5])
            writer.write(
                NOW + index, **belief(index), truth=truth, pose_map_odom=[index, 1.0, -0.5]
            )
    got = read(tmp_path / "result")
    counts = {topic: len(messages) for topic, messages in got.items()}
    each = dict.fromkeys(("/pose", "/particle_cloud", "/particle_points", "/tf"), 3)
    assert counts == {**each, "/ground_truth": 2}
    for index in range(3):
        expected = belief(index)
        stamp, message = got["/pose"][index]
        assert stamp == stamp_ns(message.header.stamp) == NOW + index
        assert message.header.frame_id == "map"
        pose, covariance = pose_with_covariance(message.pose)
        np.testing.assert_allclose(pose, expected["pose"], atol=1e-12)
        np.testing.assert_array_equal(covariance, expected["covariance"])
        _, points = got["/particle_points"][index]
        assert tuple(field.name for field in points.fields) == POINT_FIELDS
        table = points.data.view("<f4").reshape(points.width, 5)
        np.testing.assert_allclose(table[:, [0, 1, 4]], expected["particles"], rtol=1e-6)
        weights = expected["weights"]
        np.testing.assert_allclose(table[:, 3], weights / weights.max(), rtol=1e-6, atol=1e-12)
    (moved,) = got["/tf"][2][1].transforms
    assert (moved.header.frame_id, moved.child_frame_id) == ("map", "odom")
    assert moved.transform.translation.x == 2.0
    np.testing.assert_allclose(planar_pose(got["/ground_truth"][1][1].pose), [2.0, 0.0, 0.5])


def test_the_cloud_is_drawn_evenly_by_weight(tmp_path) -> None:
    particles = np.arange(40.0)[:, None] * np.ones(3) * 0.05
    weights = np.full(40, 1e-9)
    weights[[7, 20]] = 0.75, 0.25
    content = {**belief(0), "particles": particles, "weights": weights}
    with ResultBagWriter(tmp_path / "result", max_cloud_poses=20) as writer:
        writer.write(NOW, **content)
    _, cloud = read(tmp_path / "result")["/particle_cloud"][0]
    drawn = np.array([planar_pose(pose)[0] for pose in cloud.poses])
    assert len(drawn) == 20
    assert np.isclose(drawn, particles[7, 0]).sum() == 15
    assert np.isclose(drawn, particles[20, 0]).sum() == 5


def test_what_was_written_before_an_error_is_kept(tmp_path) -> None:
    def interrupted() -> None:
        with ResultBagWriter(tmp_path / "r") as writer:
            writer.write(NOW, **belief(0))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        interrupted()
    assert {topic.name: topic.count for topic in list_topics(tmp_path / "r")}["/pose"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pose": np.zeros(2)}, r"got shapes \(2,\)"),
        ({"covariance": np.zeros(9)}, r"\(9,\)"),
        ({"weights": np.ones(299)}, r"\(299,\)"),
        ({"particles": np.full((300, 3), np.nan)}, "finite"),
        ({"weights": np.zeros(300)}, "not all zero"),
        ({"weights": -np.ones(300)}, "not negative"),
    ],
)
def test_malformed_beliefs_are_refused(tmp_path, change, words) -> None:
    with ResultBagWriter(tmp_path / "r") as writer, pytest.raises(BagError, match=words):
        writer.write(NOW, **{**belief(0), **change})


def test_nothing_is_overwritten(tmp_path) -> None:
    with pytest.raises(BagError, match="not there yet"):
        ResultBagWriter(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BagError, match="cannot write a bag"):
        ResultBagWriter(tmp_path / "file" / "below")
