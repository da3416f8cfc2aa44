"""Particles that are worked through in chunks: how many at once, and with the same answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dmn_core.observation import build_network, localization_network
from dmn_core.observation.view_embedding import PreparedViews
from dmn_core.systems import network_of
from dmn_core.views import ViewMap

pytestmark = pytest.mark.usefixtures("one_thread")


def sizes(device: str, feature_size: tuple[int, int], *, batch: int, particles: int) -> list[int]:
    """How many particles each chunk has, for maps of four views."""
    views = torch.empty(batch, 4, 64, *feature_size, device=device)
    prepared = PreparedViews(torch.empty(batch, 4, 3, device=device), views, views)
    asked: list[int] = []

    def ask(part: torch.Tensor) -> torch.Tensor:
        asked.append(part.shape[1])
        return part[..., 0]

    poses = torch.empty(batch, particles, 3, device=device)
    assert prepared.in_chunks(poses, ask).shape == (batch, particles)
    return asked


@pytest.mark.parametrize(
    ("device", "feature_size", "batch", "expected"),
    [
        ("cpu", (8, 8), 1, [256, 256, 88]),
        ("cpu", (8, 8), 4, [64] * 9 + [24]),
        ("cpu", (26, 52), 1, [12] * 50),
        ("meta", (8, 8), 1, [600]),
        ("meta", (26, 52), 1, [193, 193, 193, 21]),
        ("meta", (26, 52), 1000, [1] * 600),
    ],
)
def test_chunks_are_bounded_in_bytes(
    device: str, feature_size: tuple[int, int], batch: int, expected: list[int]
) -> None:
    assert sizes(device, feature_size, batch=batch, particles=600) == expected


def test_answers_do_not_depend_on_the_chunk(monkeypatch: Any) -> None:
    torch.manual_seed(0)
    network = build_network(network_of("dmn", (32, 32))).eval()
    with torch.no_grad():
        view_map = ViewMap(network.encode_views(torch.rand(1, 2, 3, 32, 32)), torch.rand(1, 2, 3))
        prepared = network.prepare_map(view_map)
        query = network.encode_query(torch.rand(1, 3, 32, 32))
        poses = 20 * torch.rand(1, 300, 3)
        on_a_cpu = network.log_likelihood(prepared, query, poses)
        gpu = localization_network.BYTES_PER_CHUNK_ON_GPU
        monkeypatch.setattr(localization_network, "BYTES_PER_CHUNK", gpu)
        in_one_piece = network.log_likelihood(prepared, query, poses)
    assert on_a_cpu.std() > 1e-3
    torch.testing.assert_close(on_a_cpu, in_one_piece, rtol=1e-5, atol=1e-5)
