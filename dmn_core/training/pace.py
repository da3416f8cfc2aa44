"""How far a run is, and how fast it goes."""

from __future__ import annotations

import time

from dmn_core.training.config import TrainingConfig
from dmn_core.training.schedule import learning_rate_factor

KEEP_STATE_EVERY_S = 300.0


class Pace:
    """One call of a run, from the steps, samples and seconds that earlier calls did."""

    def __init__(self, config: TrainingConfig, *, steps: int, samples: int, seconds: float) -> None:
        """The call begins now."""
        self._config = config
        self._steps, self._samples, self._seconds = steps, samples, seconds
        self._begin = time.monotonic()
        self._kept_s = 0.0

    def call_s(self) -> float:
        """Seconds of this call."""
        return time.monotonic() - self._begin

    def seconds(self) -> float:
        """Seconds of the run, over all its calls."""
        return self._seconds + self.call_s()

    def progress(self, steps: int) -> tuple[float, float]:
        """Shares of the run that are done after so many steps: towards its end, and to 1 for rates.

        The schedule is that of the whole run where something limits it, else of this call.
        """
        box = _share(self.call_s(), 60 * self._config.minutes)
        whole = self._share_of_run(steps)
        return max(whole, box), min(1.0, whole if self._limits_run else box)

    def run_is_over(self, steps: int) -> bool:
        """Whether the run, over all its calls, has reached its limit; never where it has none."""
        return self._share_of_run(steps) >= 1

    def state_is_due(self) -> bool:
        """Whether the state was last kept so long ago that it would be a pity to lose the rest."""
        return self.call_s() - self._kept_s >= KEEP_STATE_EVERY_S

    def state_is_kept(self) -> None:
        """The state is on disk."""
        self._kept_s = self.call_s()

    def learning_rate(self, steps: int, progress: float) -> float:
        """Of the step that follows so many, when `progress` of the schedule is done."""
        config = self._config
        of_call = config.minutes > 0 and not self._limits_run
        return config.learning_rate * learning_rate_factor(
            steps=steps - self._steps if of_call else steps,
            progress=progress,
            warmup_steps=config.warmup_steps,
            final_fraction=config.final_learning_rate_fraction,
            schedule=config.schedule,
            cooldown=config.cooldown,
        )

    def rate(self, samples: int) -> float:
        """Samples a second in this call."""
        return (samples - self._samples) / max(self.call_s(), 1e-9)

    def share(self, seconds: float) -> float:
        """What share of this call so many seconds are."""
        return round(seconds / max(self.call_s(), 1e-9), 4)

    def _share_of_run(self, steps: int) -> float:
        return max(
            _share(steps, self._config.max_steps),
            _share(self.seconds(), 3600 * self._config.total_hours),
        )

    @property
    def _limits_run(self) -> bool:
        return self._config.max_steps > 0 or self._config.total_hours > 0


def _share(done: float, limit: float) -> float:
    """What share of a limit is done; 0 where there is no limit."""
    return done / limit if limit > 0 else 0.0
