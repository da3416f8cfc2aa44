"""Making images of an episode look as if another camera had taken them.

Weights are to carry over to frames that were drawn by another program, compressed, and overlaid
with a status bar. Maps and queries of an episode share one camera, so most changes are drawn once
an episode; noise and blur are drawn for every image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from dmn_core.data.episode import Episodes

OVERLAY_SHARE = 0.2  # of the height, from below: the status bar of the published Mazes
CORNER_SHARE = 0.25  # of the width, from the right: where the published Mazes count frames


@dataclass(frozen=True)
class AugmentationConfig:
    """How far images are changed; all zero changes nothing.

    Attributes:
        colour: relative spread of the gain of each channel, of contrast and of saturation.
        noise: standard deviation of noise at its strongest, in grey levels of 255.
        blur: probability that an image is blurred a little, as by compression or resizing.
        overlay: probability that an episode has something drawn over the lowest fifth of all its
            images, and digits in their upper right corner.
    """

    colour: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    overlay: float = 0.0


def augment(episodes: Episodes, config: AugmentationConfig, generator: torch.Generator) -> Episodes:
    """The same episodes, their images changed; poses stay.

    `generator` is on the device of the images.
    """
    if config == AugmentationConfig():
        return episodes
    contexts = episodes.context_images.shape[1]
    images = torch.cat((episodes.context_images, episodes.query_images), dim=1).float()
    images = _recolour(images, config.colour, generator)
    images = _blur(images, config.blur, generator)
    images = _add_noise(images, config.noise, generator)
    images = _overlay(images, config.overlay, generator)
    changed = images.round_().clamp_(0, 255).to(torch.uint8)
    return replace(
        episodes, context_images=changed[:, :contexts], query_images=changed[:, contexts:]
    )


def _uniform(shape: tuple[int, ...], images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=images.device)


def _recolour(images: Tensor, spread: float, generator: torch.Generator) -> Tensor:
    """Gain of channels, saturation and contrast, one draw an episode (B, M, H, W, 3)."""
    batch = len(images)
    one = (batch, 1, 1, 1, 1)
    gain = 1 + spread * (2 * _uniform((batch, 1, 1, 1, 3), images, generator) - 1)
    saturation = 1 + 2 * spread * (2 * _uniform(one, images, generator) - 1)
    contrast = 1 + spread * (2 * _uniform(one, images, generator) - 1)
    grey = images.mean(dim=-1, keepdim=True)
    images = (grey + saturation * (images - grey)) * gain
    return 127.5 + contrast * (images - 127.5)


def _blur(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """A share of a 3x3 mean mixed into some of the images."""
    flat = images.flatten(0, 1)
    chosen = _uniform((len(flat), 1, 1, 1), images, generator) < probability
    amount = 0.7 * _uniform((len(flat), 1, 1, 1), images, generator) * chosen
    padded = F.pad(flat.movedim(-1, 1), (1, 1, 1, 1), mode="replicate")
    smooth = F.avg_pool2d(padded, 3, stride=1).movedim(1, -1)
    return (flat + amount * (smooth - flat)).view_as(images)


def _add_noise(images: Tensor, strongest: float, generator: torch.Generator) -> Tensor:
    level = strongest * _uniform((*images.shape[:2], 1, 1, 1), images, generator)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return images + level * noise


def _overlay(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """One status bar and one corner an episode, the same over all its images."""
    batch, _, height, width, _ = images.shape
    present = _uniform((batch, 1, 1, 1, 1), images, generator) < probability
    bar, corner = round(OVERLAY_SHARE * height), round(CORNER_SHARE * width)
    # Coarse blocks of colour, opaque in some places: icons and numbers, shrunk.
    blocks = 255 * _uniform((batch, 3, 2, 6), images, generator)
    drawn = F.interpolate(blocks, (bar, width), mode="nearest").movedim(1, -1).unsqueeze(1)
    opaque = (_uniform((batch, 1, 2, 6), images, generator) < 0.6).float()
    opaque = F.interpolate(opaque, (bar, width), mode="nearest").movedim(1, -1).unsqueeze(1)
    images = images.clone()
    below = images[:, :, height - bar :]
    images[:, :, height - bar :] = torch.where(present & (opaque > 0), drawn, below)
    digits = 255 * _uniform((batch, 1, 2, corner, 3), images, generator)
    images[:, :, :2, width - corner :] = torch.where(
        present, digits, images[:, :, :2, width - corner :]
    )
    return images
