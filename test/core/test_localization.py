"""The localizer: any image size, any number of views, maps that know their weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dmn_core.errors import ConfigurationError, MapError
from dmn_core.localization import Everywhere, Localizer, Near, choose_device
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.particle_filter import FilterSettings, OdometryNoise
from dmn_core.session import Session
from dmn_core.views import ViewMap, Views

RNG = np.random.default_rng(0)
SMALL = NetworkConfig(image_height=16, image_width=16)


def localizer(**options):
    torch.manual_seed(0)
    return Localizer(ObservationModel(SMALL), weights_fingerprint="abc", **options)


def views(count=3, size=(16, 16)):
    images = RNG.integers(0, 256, (count, *size, 3), dtype=np.uint8)
    poses = np.column_stack((RNG.uniform(-5, 5, (count, 2)), RNG.uniform(-3, 3, count)))
    return Views(images, poses)


def start(machine, count=3, particles=64, seed=0):
    machine.use_map(machine.build_map(views(count)))
    generator = machine.generator(seed)
    return machine.start(Everywhere(particles=particles), generator), generator


@pytest.mark.parametrize("size", [(16, 16), (48, 64), (480, 640), (7, 9)])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_any_camera_and_any_number_of_views(size, count):
    machine = localizer()
    view_map = machine.build_map(views(count, size))
    assert view_map.n_views == count
    machine.use_map(view_map)
    generator = machine.generator(0)
    belief = machine.start(Everywhere(particles=32), generator)
    image = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
    step = machine.step(belief, image, np.array([0.5, 0.0, 0.1]), generator)
    assert torch.isfinite(step.pose_map_base).all()
    assert torch.linalg.eigvalsh(step.covariance).min() > -1e-5


def test_a_larger_picture_of_the_same_scene_gives_the_same_map():
    machine = localizer()
    small = views(2, (16, 16))
    large = Views(small.images.repeat(5, axis=1).repeat(5, axis=2), small.poses_map_camera)
    assert torch.allclose(
        machine.build_map(small).embeddings,
        machine.build_map(large).embeddings,
        atol=1e-5,
        rtol=1e-3,  # of half precision
    )


def test_bfloat16_agrees_roughly_and_beliefs_stay_float32():
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        machine = localizer(dtype=dtype)
        rng = np.random.default_rng(3)
        images = rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
        machine.use_map(
            machine.build_map(Views(images, np.array([[0, 0, 0], [3, 1, 1], [-3, 2, 2.0]])))
        )
        generator = machine.generator(0)
        belief = machine.start(Everywhere(particles=128), generator)
        step = machine.step(belief, images[0], np.zeros(3), generator)
        assert step.belief.log_weights.dtype == torch.float32
        assert step.pose_map_base.dtype == torch.float32
        # Sums of squares, symmetric and without negative variances: in more digits.
        assert step.covariance.dtype == torch.float64
        results.append(step.weighed.weights)
    assert (results[0] - results[1]).abs().sum() < 0.2


def test_equal_seeds_give_equal_bits_and_others_do_not():
    poses = []
    for seed in (1, 1, 2):
        machine = localizer(
            settings=FilterSettings(noise=OdometryNoise("differential"), resampling="always")
        )
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
        machine.use_map(machine.build_map(Views(images, rng.uniform(-3, 3, (4, 3)))))
        session = Session(machine, seed=seed)
        session.restart(Everywhere(particles=64))
        for t in range(3):
            fix = session.update(t, images[t], np.array([0.3 * t, 0.0, 0.1 * t]))
        poses.append(fix.pose_map_base)
    assert np.array_equal(poses[0], poses[1])
    assert not np.array_equal(poses[0], poses[2])


def test_a_map_of_other_weights_is_refused():
    machine, other = localizer(), localizer()
    other.weights_fingerprint = "xyz"
    with pytest.raises(MapError, match="'xyz'.*'abc'.*build the map again"):
        machine.use_map(other.build_map(views()))


def test_a_map_of_another_image_size_is_refused():
    machine = localizer()
    wrong = ViewMap(torch.zeros(1, 2, 64, 8, 8), torch.zeros(1, 2, 3), (0, 1, 0, 1), "abc")
    with pytest.raises(MapError, match=r"\(64, 4, 4\)"):
        machine.use_map(wrong)


def test_no_map_no_start():
    with pytest.raises(MapError, match="use_map"):
        localizer().start(Everywhere(), torch.Generator())


@pytest.mark.parametrize(
    ("images", "poses", "word"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 3)), "uint8"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros((2, 3)), "images"),
        (np.zeros((2, 8, 8, 3), np.uint8), np.zeros((3, 3)), "poses"),
        (np.zeros((2, 8, 8, 3), np.uint8), np.full((2, 3), np.nan), "finite"),
        (np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 3)), "at least one"),
    ],
)
def test_views_that_are_none_are_refused(images, poses, word):
    with pytest.raises(MapError, match=word):
        Views(images, poses)


def test_near_starts_near_and_everywhere_fills_the_area():
    machine = localizer()
    machine.use_map(machine.build_map(views(), area_m=(-2.0, 4.0, 1.0, 9.0)))
    generator = machine.generator(0)
    covariance = ((0.04, 0.0, 0.0), (0.0, 0.04, 0.0), (0.0, 0.0, 0.01))
    near = machine.start(Near((1.0, 2.0, 3.0), covariance, particles=4000), generator)
    assert torch.allclose(
        near.poses_map_base[0, :, :2].mean(0), torch.tensor([1.0, 2.0]), atol=0.02
    )
    everywhere = machine.start(Everywhere(particles=4000), generator).poses_map_base[0]
    assert everywhere[:, 0].min() > -2 and everywhere[:, 0].max() < 4
    assert everywhere[:, 1].min() > 1 and everywhere[:, 1].max() < 9


def test_warming_up_changes_nothing():
    machine = localizer()
    machine.warm_up()
    assert machine.view_map is None
    with pytest.raises(MapError, match="none is in use"):
        machine.start(Everywhere(particles=4), machine.generator(0))
    machine.use_map(machine.build_map(views()))
    steps = []
    for _ in range(2):
        random = machine.generator(3)
        belief = machine.start(Everywhere(particles=32), random)
        image = np.full((16, 16, 3), 128, np.uint8)
        steps.append(machine.step(belief, image, np.zeros(3), random))
        machine.warm_up()
    assert torch.equal(steps[0].pose_map_base, steps[1].pose_map_base)
    assert machine.view_map is not None
    assert machine.view_map.n_views == len(views().images)


def test_a_camera_beside_the_robot_gives_the_robots_pose():
    """With the camera at an offset, particles of the camera and poses of the robot differ by it."""
    machine = localizer()
    machine.use_map(machine.build_map(views(), area_m=(-5, 5, -5, 5)))
    exact = tuple(tuple(1e-12 if i == j else 0.0 for j in range(3)) for i in range(3))
    session = Session(machine, pose_base_camera=(0.5, 0.2, 0.3))
    session.restart(Near((1.0, 2.0, 0.5), exact, particles=16))
    image = RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert np.allclose(
        session.update(0, image, np.zeros(3)).pose_map_base, (1.0, 2.0, 0.5), atol=1e-4
    )
    fix = session.update(1, image, np.array([1.0, 0.0, 0.4]))
    wanted = (1.0 + np.cos(0.5), 2.0 + np.sin(0.5), 0.9)
    assert np.allclose(fix.pose_map_base, wanted, atol=1e-3)
    assert np.allclose(fix.pose_map_odom, (1.0, 2.0, 0.5), atol=1e-3)


def test_a_camera_off_the_middle_does_not_widen_the_noise_of_odometry():
    """Turning on the spot is a turn of the robot, however far out its camera swings."""
    spreads = []
    for mount in ((0.0, 0.0, 0.0), (0.5, 0.3, 1.2)):
        noise = OdometryNoise("differential", 0.1, 0.1, 0.1, 0.1)
        machine = localizer(settings=FilterSettings(noise=noise, likelihood_power=1e-9))
        machine.use_map(machine.build_map(views(), area_m=(-5, 5, -5, 5)))
        exact = tuple(tuple(1e-12 if i == j else 0.0 for j in range(3)) for i in range(3))
        session = Session(machine, pose_base_camera=mount)
        session.restart(Near((0.0, 0.0, 0.0), exact, particles=4000))
        image = RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        session.update(0, image, np.zeros(3))
        spreads.append(session.update(1, image, np.array([0.0, 0.0, 0.3])).covariance)
    assert np.allclose(spreads[0], spreads[1], atol=1e-4)
    assert np.isclose(spreads[0][2, 2], 0.1 * 0.3**2, rtol=0.1)


def test_a_session_wants_a_start():
    machine = localizer()
    machine.use_map(machine.build_map(views()))
    with pytest.raises(MapError, match="restart"):
        Session(machine).update(0, np.zeros((8, 8, 3), np.uint8), np.zeros(3))


def test_devices():
    assert choose_device("cpu").type == "cpu"
    for name in ("toaster", "meta", "mps"):
        with pytest.raises(ConfigurationError, match="auto, cuda, cuda:N or cpu"):
            choose_device(name)
    with pytest.raises(ConfigurationError, match="CUDA"):
        choose_device("cuda:99")
    if not torch.cuda.is_available():
        assert choose_device("auto").type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_the_gpu_gives_what_the_cpu_gives():
    batch, image = views(4), RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    covariance = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.1))
    poses = []
    for device in ("cpu", "cuda"):
        settings = FilterSettings(resampling="always", estimate="cluster")
        machine = localizer(device=device, settings=settings)
        machine.use_map(machine.build_map(batch))
        session = Session(machine)
        session.restart(Near((0.0, 0.0, 0.0), covariance, particles=20_000))
        for t in range(3):
            fix = session.update(t, image, np.array([0.2 * t, 0.0, 0.0]))
        poses.append(fix.pose_map_base)
    assert np.allclose(*poses, atol=0.1)  # their random draws differ
