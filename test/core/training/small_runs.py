"""Runs so small that a test can have several: 8x8 images that show where they were taken."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import torch

from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError, DataError
from dmn_core.training.augmentation import AugmentationConfig
from dmn_core.training.config import TrainingConfig
from dmn_core.training.divergence import DivergedError
from dmn_core.training.loop import Trainer
from dmn_core.training.objectives import ObjectiveConfig
from dmn_core.training.processes import failing_together, launch

AREA = (-20.0, 20.0, -20.0, 20.0)


def environments(count=6, views=8, seed=0):
    """Places whose views show where they were taken: red tells x, green y, blue the heading."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (count, views, 3))
    colour = (poses / (20, 20, math.pi) + 1) * 127.5
    images = np.broadcast_to(colour[:, :, None, None], (count, views, 8, 8, 3))
    return EnvironmentSet.regular(images.astype(np.uint8), poses.astype(np.float32), AREA)


def config(**changes):
    values = {
        "image_size": (8, 8),
        "objective": ObjectiveConfig(particles=4, attention_weight=0.5, attention_particles=6),
        "contexts": 3,
        "batch": 2,
        "queries": 2,
        "max_steps": 6,
        "warmup_steps": 2,
        "validate_every_steps": 3,
        "validation_samples": 8,
        "pictures_every": 0,
        "accelerator": "cpu",
    }
    return TrainingConfig(**{**values, **changes})


def trainer(folder, *, start_from=None, fabric=None, **changes):
    return Trainer(
        config(**changes),
        training=environments(),
        validation=environments(seed=1),
        folder=folder,
        start_from=start_from,
        fabric=fabric,
    )


def run(folder, **changes):
    made = trainer(folder, **changes)
    made.outcome = made.run()
    return made


def weights(made):
    return torch.cat([p.detach().flatten() for p in made.learner.parameters()])


def averages(made):
    return torch.cat([p.detach().flatten() for p in made.average.parameters()])


def gradients(made):
    """Of the last step; zero where a layer took no part."""
    return torch.cat(
        [
            (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
            for p in made.learner.parameters()
        ]
    )


TOGETHER = {"micro_batches": 2, "max_steps": 2, "gradient_clip": 0.5, "validate_every_steps": 1}


AUGMENTED = AugmentationConfig(colour=0.2, noise=5.0)


def report(made, path):
    """What another process is to compare."""
    parts = {"weights": weights(made), "averages": averages(made), "gradients": gradients(made)}
    torch.save({**parts, "best_loss": made.best_loss, "samples": made.samples}, path)


def overflow(folder):
    """A run in which the loss of the last process alone is not finite; reports how it ended."""
    made = trainer(folder / "run", **TOGETHER)
    gradients, rank = made._gradients, made.fabric.global_rank

    def overflowing(progress):
        losses = gradients(progress)
        return {**losses, "loss": losses["loss"] + (math.inf if rank else 0.0)}

    made._gradients = overflowing
    try:
        made.run()
    except DivergedError as error:
        torch.save(error.outcome["steps"], folder / f"{rank}.pt")


def refused(folder):
    """What each process says where one is refused: the first its folder, the other its data."""
    fabric, said = launch(config()), []
    try:
        trainer(folder / "run", fabric=fabric, seed=1)
    except ConfigurationError as error:
        said.append(str(error))
    for in_turn in (False, True):
        try:
            with failing_together(fabric, in_turn=in_turn):
                if fabric.global_rank == 1:
                    raise DataError("there is none")
        except DataError as error:
            said.append(str(error))
    torch.save(said, folder / f"{fabric.global_rank}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    if sys.argv[2:] in (["overflow"], ["refused"]):
        {"overflow": overflow, "refused": refused}[sys.argv[2]](folder)
        sys.exit()
    # In as many calls as there are lengths: each resumes the one before.
    for max_steps in [int(word) for word in sys.argv[2:]] or [TOGETHER["max_steps"]]:
        one_of_several = run(folder / "run", **{**TOGETHER, "max_steps": max_steps})
    report(one_of_several, folder / f"{one_of_several.fabric.global_rank}.pt")
