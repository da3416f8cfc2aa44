"""Augmentation: changes what it says, keeps what belongs together, and can be turned off."""

from __future__ import annotations

import pytest
import torch

from dmn_core.data.episode import Episodes
from dmn_core.training.augmentation import AugmentationConfig, augment

AREA = (-20.0, 20.0, -20.0, 20.0)
STRONG = AugmentationConfig(colour=0.2, noise=8.0, blur=1.0, overlay=1.0)


def episodes(batch=3, value=None):
    generator = torch.Generator().manual_seed(5)
    shape = (batch, 6, 20, 16, 3)
    images = torch.randint(60, 196, shape, generator=generator, dtype=torch.uint8)
    if value is not None:
        images.fill_(value)
    poses = torch.randn(batch, 6, 3, generator=generator)
    return Episodes(images[:, :4], poses[:, :4], images[:, 4:], poses[:, 4:], AREA)


def changed(config, before, seed=0):
    return augment(before, config, torch.Generator().manual_seed(seed))


def test_the_default_changes_nothing_and_draws_nothing():
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    before = episodes()
    assert augment(before, AugmentationConfig(), generator) is before
    assert torch.equal(generator.get_state(), state)


def test_equal_seeds_change_alike_others_do_not_and_poses_stay():
    before = episodes()
    a, b, c = (changed(STRONG, before, seed) for seed in (0, 0, 1))
    assert torch.equal(a.query_images, b.query_images)
    assert not torch.equal(a.query_images, c.query_images)
    assert a.query_images.dtype == torch.uint8
    assert torch.equal(a.context_poses, before.context_poses)


def test_an_episode_is_recoloured_as_one_and_episodes_differ():
    after = changed(AugmentationConfig(colour=0.2), episodes(value=100))
    for row in range(3):
        colours = torch.cat((after.context_images[row], after.query_images[row])).reshape(-1, 3)
        assert (colours == colours[0]).all(), "one camera took all images of an episode"
    assert len({tuple(after.query_images[row, 0, 0, 0].tolist()) for row in range(3)}) == 3
    # gain, contrast and saturation of 20 %, the last on grey without effect
    assert (after.query_images.float() - 100).abs().max() < 100 * 0.2 * 1.2 + 27.5 * 0.2 + 1


def test_an_overlay_covers_the_lowest_fifth_and_a_corner_of_all_images_alike():
    before = episodes(value=120)
    after = changed(AugmentationConfig(overlay=1.0), before)
    images = torch.cat((after.context_images, after.query_images), dim=1)
    free = images[:, :, 2:16]
    assert (free == 120).all()
    assert (images[:, :, 16:] != 120).any(dim=-1).float().mean() > 0.3
    assert (images[:, :, :2, 12:] != 120).any(dim=-1).all()
    assert (images == images[:, :1]).all()
    assert not torch.equal(images[0], images[1])


def test_overlays_come_as_often_as_asked():
    after = changed(AugmentationConfig(overlay=0.25), episodes(batch=400, value=120))
    share = (after.query_images != 120).flatten(1).any(dim=1).float().mean()
    assert share == pytest.approx(0.25, abs=0.07)


def test_blur_smooths_and_noise_roughens_within_its_bounds():
    before = episodes()
    blurred = changed(AugmentationConfig(blur=1.0), before).query_images.float()
    sharp = before.query_images.float()

    def roughness(images):
        return images.diff(dim=2).abs().mean()

    assert roughness(blurred) < 0.9 * roughness(sharp)
    assert abs(blurred.mean() - sharp.mean()) < 1.0
    noisy = changed(AugmentationConfig(noise=10.0), episodes(value=120)).query_images.float()
    assert 2.0 < noisy.std() < 10.0
