"""Planar poses: a group, and headings that wrap."""

from __future__ import annotations

import math

import torch

from dmn_core import geometry, pose_track

POSES = torch.randn(3, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
A, B, C = (geometry.compose(torch.zeros(3, dtype=torch.float64), p) for p in POSES)


def test_poses_form_a_group():
    assert torch.allclose(
        geometry.compose(geometry.compose(A, B), C), geometry.compose(A, geometry.compose(B, C))
    )
    identity = geometry.compose(A, geometry.inverse(A))
    assert torch.allclose(identity, torch.zeros_like(identity), atol=1e-12)
    assert torch.allclose(geometry.compose(A, geometry.relative(A, B)), B)


def test_they_agree_with_homogeneous_matrices():
    def matrix(pose):
        x, y, t = pose.tolist()
        return torch.tensor(
            [[math.cos(t), -math.sin(t), x], [math.sin(t), math.cos(t), y], [0, 0, 1]],
            dtype=torch.float64,
        )

    for a, b, ab in zip(A, B, geometry.compose(A, B), strict=True):
        assert torch.allclose(matrix(a) @ matrix(b), matrix(ab))


def test_numpy_and_torch_mean_the_same():
    for ours, theirs in (
        (geometry.compose(A, B), pose_track.compose(A.numpy(), B.numpy())),
        (geometry.relative(A, B), pose_track.relative_pose(A.numpy(), B.numpy())),
        (geometry.inverse(A), pose_track.inverse(A.numpy())),
    ):
        assert torch.allclose(ours, torch.from_numpy(theirs))


def test_a_view_one_metre_ahead_is_seen_ahead():
    robot = torch.tensor([5.0, 5.0, math.pi / 2])
    view = torch.tensor([5.0, 6.0, math.pi / 2])
    features = geometry.pose_features(geometry.relative(robot, view), environment_scale_m=20.0)
    assert torch.allclose(features, torch.tensor([0.05, 0.0, 0.0, 1.0]), atol=1e-6)


def test_wrapped_angles_lie_in_one_turn_and_mean_the_same():
    angles = torch.linspace(-20, 20, 1001, dtype=torch.float64)
    wrapped = geometry.wrap_angle(angles)
    assert ((wrapped >= -math.pi) & (wrapped < math.pi)).all()
    assert torch.allclose(torch.cos(wrapped), torch.cos(angles))
    assert torch.allclose(torch.sin(wrapped), torch.sin(angles))


def test_gradients_of_composition_and_relative_pose():
    a, b = A[:3].clone().requires_grad_(), B[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(geometry.compose, (a, b))
    assert torch.autograd.gradcheck(geometry.relative, (a, b))
