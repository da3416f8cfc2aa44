"""Muon against a literal reference: singular vectors with singular values made equal."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn

from dmn_core.training.optimizers import Muon, load_progress, make_optimizer, orthogonal


@pytest.mark.parametrize("shape", [(32, 12), (64, 288), (64, 16)])
def test_a_matrix_is_made_orthogonal(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix)
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.3 and singular.max() < 1.25
    assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), dim=0) > 0.97
    assert torch.allclose(orthogonal(1e3 * matrix), found, atol=1e-4)
    assert orthogonal(torch.zeros(shape)).abs().max() == 0


def test_a_kernel_moves_by_its_orthogonalised_momentum_and_all_else_as_by_adam():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 4))
    twin = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 4))
    twin.load_state_dict(network.state_dict())
    muon = make_optimizer("muon", network.parameters(), learning_rate=0.01, weight_decay=0.0)
    adam = make_optimizer("adam", twin.parameters(), learning_rate=0.01, weight_decay=0.0)
    kernel, velocity = network[0].weight, torch.zeros(8, 27)
    for step in range(3):
        for mine, other in zip(network.parameters(), twin.parameters(), strict=True):
            mine.grad = torch.randn(mine.shape, generator=torch.Generator().manual_seed(step))
            other.grad = mine.grad.clone()
        gradient, before = kernel.grad.flatten(1), kernel.detach().clone()
        velocity = 0.95 * velocity + 0.05 * gradient
        u, _, v = torch.linalg.svd(0.05 * gradient + 0.95 * velocity, full_matrices=False)
        muon.step()
        adam.step()
        moved = (kernel.detach() - before).flatten(1)
        expected = -0.01 * 0.2 * 27**0.5 * (u @ v)
        assert (moved - expected).norm() < 0.35 * expected.norm()
    for name, parameter in network.named_parameters():
        same = torch.equal(parameter, twin.get_parameter(name))
        assert same == (name != "0.weight"), name


def test_channels_last_kernels_move_alike():
    torch.manual_seed(0)
    kernels = [nn.Parameter(torch.randn(8, 4, 3, 3)) for _ in range(2)]
    with torch.no_grad():
        kernels[1].copy_(kernels[0])
    kernels[1].data = kernels[1].data.to(memory_format=torch.channels_last)
    for kernel in kernels:
        kernel.grad = torch.ones(8, 4, 3, 3).cumsum(0).cumsum(3)
        Muon([kernel], lr=0.1, weight_decay=0.1).step()
    assert torch.allclose(kernels[0], kernels[1], atol=1e-6)


def test_decay_shrinks_kernels():
    kernel = nn.Parameter(torch.ones(2, 2, 3, 3))
    kernel.grad = torch.zeros(2, 2, 3, 3)
    Muon([kernel], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(kernel, torch.full_like(kernel, 0.95))


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_a_run_that_resumes_decays_weights_as_it_is_told_now(small, tmp_path, name):
    small.run(tmp_path / "a", optimizer=name, max_steps=3)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    as_before = small.run(tmp_path / "a", optimizer=name)
    decayed = small.run(tmp_path / "b", optimizer=name, weight_decay=0.5)
    assert decayed.steps == 6
    assert {group["weight_decay"] for group in decayed.optimizer.param_groups} == {0.5}
    assert not torch.equal(small.weights(as_before), small.weights(decayed))


def test_progress_is_taken_over_and_hyper_parameters_are_not():
    parameters = [nn.Parameter(torch.ones(2, 2, 3, 3)), nn.Parameter(torch.ones(2))]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    first = Muon(parameters, lr=0.1, weight_decay=0.0, momentum=0.8)
    first.step()
    then = Muon(parameters, lr=0.2, weight_decay=0.3)
    load_progress(then, first.state_dict())
    assert [group["momentum"] for group in then.param_groups] == [0.95, None]
    assert [(group["lr"], group["weight_decay"]) for group in then.param_groups] == [(0.2, 0.3)] * 2
    assert torch.allclose(then.state[parameters[0]]["velocity"], torch.full((2, 2, 3, 3), 0.2))
    assert then.state[parameters[1]]["step"] == 1
