"""What a training run is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dmn_core.data.sources import SOURCES, DataConfig, ImageSize
from dmn_core.errors import ConfigurationError
from dmn_core.observation import NetworkConfig
from dmn_core.systems import SystemName, network_of
from dmn_core.training.augmentation import AugmentationConfig
from dmn_core.training.objectives import ObjectiveConfig
from dmn_core.training.optimizers import OptimizerName
from dmn_core.training.schedule import ScheduleName

AT_LEAST_ONE = (
    "batch", "queries", "validate_every_steps", "validation_samples", "devices", "num_nodes",
)  # fmt: skip
AT_LEAST_ZERO = (
    "validation_environments", "contexts", "contexts_max", "far_contexts", "micro_batches",
    "warmup_steps", "cooldown", "gradient_clip", "weight_average", "minutes",
    "total_hours", "max_steps", "patience_steps", "pictures_every",
)  # fmt: skip


# A weight decay that `recipes.fitted_to_system` makes a number of, by the kind of the data.
DECAY_OF_THE_PAPER = -1.0


@dataclass(frozen=True)
class TrainingConfig(DataConfig):
    """Everything that decides a run; written into its folder.

    Attributes:
        system: a row of the paper's tables.
        attention: of systems that attend to views: softmax, or scalar products as they are.
        final_relu: a relu on the log-likelihood, as the paper prints FC1.
        image_size: height and width; 0 0 for those of the data.
        validation_environments: how many unseen places; 0 for what the source thinks right.
        contexts: views in the map, N (paper: 4); 0 for far ones alone.
        contexts_max: above `contexts`, every micro-batch draws its N between the two; validation
            stays at `contexts`. 0 for none.
        far_contexts: how many contexts from around the area follow the others.
        batch: environments in a micro-batch, each with `queries` query images that share the map.
        micro_batches: of one step; processes share them out. 0 for one each, and where a run
            resumes for as many as before.
        optimizer: `adam`, the paper's, or `muon` for convolutions and Adam for all else.
        learning_rate: the optimiser's, before warm-up and decay.
        weight_decay: the optimiser's; -1 for the paper's, 1e-4 for Street View and 0 for all else.
        schedule: of the learning rate after `warmup_steps`: `cosine` decays all along; `trapezoid`
            stays, then falls linearly over the last `cooldown` of the run; `constant` stays.
        final_learning_rate_fraction: what the decay ends at.
        gradient_clip: largest norm of a gradient; 0 for any.
        weight_average: decay of the running average of weights that is validated and shipped; 0
            for the weights themselves.
        minutes: time box of one call; 0 for none.
        total_hours: of the run, over all its calls; 0 for no limit.
        max_steps: of the run, over all its calls; 0 for no limit. The schedule is stretched over
            `total_hours` and `max_steps` where there are any, so that a run of many calls has one
            schedule; else over the minutes of each call.
        patience_steps: stop when validation has not improved for so many steps, at least
            `validate_every_steps`; 0 for never.
        pictures_every: validations between pictures of a belief; 0 for no pictures.
        precision: Lightning Fabric's word.
        devices: processes on this machine, each with its GPU if there are any. Under `torchrun`
            it decides, and `num_nodes` likewise.
    """

    system: SystemName = "dmn"
    attention: Literal["softmax", "scalar_product"] = "softmax"
    final_relu: bool = False
    image_size: ImageSize = (0, 0)
    validation_environments: int = 0
    seed: int = 0
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    contexts: int = 4
    contexts_max: int = 0
    far_contexts: int = 0
    batch: int = 16
    queries: int = 2
    micro_batches: int = 0
    optimizer: OptimizerName = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: ScheduleName = "cosine"
    warmup_steps: int = 300
    cooldown: float = 0.2
    final_learning_rate_fraction: float = 0.02
    gradient_clip: float = 1.0
    weight_average: float = 0.998
    minutes: float = 0.0
    total_hours: float = 0.0
    max_steps: int = 0
    validate_every_steps: int = 1000
    validation_samples: int = 512
    patience_steps: int = 0
    pictures_every: int = 5
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        super().__post_init__()
        for least, names in ((1, AT_LEAST_ONE), (0, AT_LEAST_ZERO)):
            for name in names:
                if getattr(self, name) < least:
                    raise ConfigurationError(
                        f"{name} wants at least {least}, got {getattr(self, name)!r}"
                    )
        if self.weight_decay < 0 and self.weight_decay != DECAY_OF_THE_PAPER:
            raise ConfigurationError(
                f"weight_decay wants at least 0, or -1 for the paper's, got {self.weight_decay!r}"
            )
        if self.contexts + self.far_contexts < 1:
            raise ConfigurationError("contexts wants at least 1 where far_contexts is 0, got 0")
        if 0 < self.contexts_max < self.contexts:
            raise ConfigurationError(
                f"contexts_max wants 0 or at least contexts, {self.contexts}, got "
                f"{self.contexts_max!r}"
            )
        if not self.learning_rate > 0 or self.weight_average >= 1 or self.cooldown > 1:
            raise ConfigurationError(
                "learning_rate wants to be above 0, weight_average below 1 and cooldown at most "
                f"1, got {self.learning_rate!r}, {self.weight_average!r} and {self.cooldown!r}"
            )

    @property
    def network(self) -> NetworkConfig:
        """The network that is trained."""
        base = NetworkConfig(
            attention=self.attention,
            final_relu=self.final_relu,
            field_of_view_deg=SOURCES[self.data].field_of_view_deg,
        )
        size = self.image_size if any(self.image_size) else SOURCES[self.data].image_size
        return network_of(self.system, size, base)

    @property
    def compared(self) -> int:
        """How many queries of an episode the whole network compares."""
        return min(self.queries, self.objective.compared_queries or self.queries)

    def refuse_wrong_end(self) -> None:
        """Refuse a run that would never end, or before it can have improved.

        Raises:
            ConfigurationError: nothing limits the run, or the growth of its beliefs, or its
                patience ends before a validation.
        """
        is_limited = self.minutes > 0 or self.max_steps > 0 or self.total_hours > 0
        if not (is_limited or self.patience_steps):
            raise ConfigurationError(
                "a run wants minutes or max_steps, total_hours or patience_steps above 0, got "
                "none: say how long to train"
            )
        if not is_limited and self.objective.uniform_fraction_start >= 0:
            raise ConfigurationError(
                "uniform_fraction_start wants a run whose length is known, over half of which "
                f"beliefs grow, got {self.objective.uniform_fraction_start!r} and patience_steps "
                "alone: give --max-steps, --total-hours or --minutes, or -1 for no such growth"
            )
        if 0 < self.patience_steps < self.validate_every_steps:
            raise ConfigurationError(
                "patience_steps wants 0 or at least validate_every_steps, "
                f"{self.validate_every_steps}, got {self.patience_steps!r}: the run would end "
                "before it is validated; give a larger --patience-steps, or a smaller "
                "--validate-every-steps"
            )
