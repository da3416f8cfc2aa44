"""Places whose images tell the pose by their colour, and a network that reads it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.geometry import wrap_angle
from dmn_core.observation import EncodedQuery, NetworkConfig, ObservationModel

AREA = (-20.0, 20.0, -20.0, 20.0)
SMALL = NetworkConfig(image_height=8, image_width=8)


def coloured_places(count=10, views=12, *, size=8, far=0):
    """Views in 8 x 8 pixels of one colour; the last `far` of each place lie around the area."""
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (count, views, 3))
    poses[:, views - far :, 0] += 40.0
    colour = (np.clip(poses / (20, 20, math.pi), -1, 1) + 1) * 127.5
    images = np.broadcast_to(colour[:, :, None, None], (count, views, size, size, 3))
    places = EnvironmentSet.regular(images.astype(np.uint8), poses.astype(np.float32), AREA)
    if not far:
        return places
    roles = np.full((count, views), ViewRole.ANY, dtype=np.uint8)
    roles[:, views - far :] = ViewRole.FAR
    return EnvironmentSet(
        places.images, places.poses_map_camera, places.first_view, AREA, roles=roles.reshape(-1)
    )


class Oracle(ObservationModel):
    """Reads the pose off the colour of the image."""

    def encode_query(self, images):
        return EncodedQuery(images[..., 0, 0])

    def log_likelihood(self, prepared, query, poses):
        truth = query.response * torch.tensor([20, 20, math.pi])
        off = poses - truth.unsqueeze(1)
        return -0.5 * (off[..., :2].square().sum(-1) / 4 + (wrap_angle(off[..., 2]) / 0.3) ** 2)


class DoubtfulOracle(Oracle):
    """It thinks that the other side of the y axis is possible as well."""

    def log_likelihood(self, prepared, query, poses):
        mirrored = EncodedQuery(query.response * torch.tensor([-1, 1, 1]))
        there = super().log_likelihood(prepared, mirrored, poses)
        return torch.logaddexp(super().log_likelihood(prepared, query, poses), there - 0.4)


@pytest.fixture(scope="session")
def make_places():
    return coloured_places


@pytest.fixture
def oracle():
    return Oracle(SMALL).eval()


@pytest.fixture
def doubtful():
    return DoubtfulOracle(SMALL).eval()


@pytest.fixture
def ignorant():
    """A network whose likelihood is the same everywhere."""
    torch.manual_seed(0)
    network = ObservationModel(SMALL).eval()
    network.fc1.output.weight.data.zero_()
    return network
