"""How many steps a training has, what each does, and at which learning rate.

``interleaved``: discriminators alone for ``warmup_passes``; then a step of every discriminator and of every
scale-factor network in turn, with one cosine decay of the learning rate.
``alternating``: the discriminators to convergence, one batch of the scale-factor networks, repeat.
Both refresh omega and kappa at the end of each pass, and both end with steps of the scale-factor networks alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from deepsf.config.training import Training

_RISE_STEPS = 50
"""Steps over which the learning rate rises while the discriminators are alone."""
_LAST_FINAL = 0.002
"""The decay of the last phase ends at this fraction of the highest rate: its target no longer moves."""


class Schedule(NamedTuple):
    """How many steps the discriminators are alone, then all networks learn, and at last the scale factors alone.

    Scale factors chase a target that moves while discriminators learn: they end as its average over the past steps.
    The last phase lets them reach it. ``per_pass`` steps of all networks make a pass.
    """

    n_warmup: int
    n_joint: int
    per_pass: int
    n_last: int = 0

    @classmethod
    def of(cls, settings: Training, n_data: float) -> Schedule:
        """Return the schedule for ``n_data`` training data entries a region."""
        if settings.schedule == "alternating":
            per_pass = max(1, settings.scale_factor_steps // 20)
            return cls(0, settings.scale_factor_steps, per_pass, settings.last_steps)
        per_pass = max(1, round(n_data / (settings.batch_size // 2)))
        n_warmup, n_joint = (math.ceil(passes * per_pass) for passes in (settings.warmup_passes, settings.passes))
        return cls(n_warmup, n_joint, per_pass, settings.last_steps)

    @property
    def n_steps(self) -> int:
        """All steps."""
        return self.n_warmup + self.n_joint + self.n_last

    def is_warmup(self, step: int) -> bool:
        """Tell whether the discriminators are alone in a step."""
        return step < self.n_warmup

    def is_last(self, step: int) -> bool:
        """Tell whether the scale factors are alone in a step."""
        return step >= self.n_warmup + self.n_joint

    def begins_last(self, step: int) -> bool:
        """Tell whether a step is the first of them."""
        return step == self.n_warmup + self.n_joint

    def ends_pass(self, step: int) -> bool:
        """Tell whether a pass ends with a step; the last one may be short. The last phase counts as a pass."""
        done = step - self.n_warmup + 1
        if self.is_last(step):
            return step + 1 == self.n_steps
        return done == self.n_joint or (done > 0 and done % self.per_pass == 0)

    def rate_factor(self, step: int, settings: Training) -> float:
        """Return the learning rate of a step over its highest.

        Discriminators alone: a rise. All networks: a linear rise, then a cosine to ``learning_rate_final``. Scale
        factors alone: the same again, to 0.002.
        """
        if self.is_warmup(step):
            return min(1.0, (step + 1) / _RISE_STEPS)
        if self.is_last(step):
            return rate_factor(
                step - self.n_warmup - self.n_joint, self.n_last, settings.learning_rate_warmup, _LAST_FINAL
            )
        return rate_factor(
            step - self.n_warmup, self.n_joint, settings.learning_rate_warmup, settings.learning_rate_final
        )


def rate_factor(step: int, n_steps: int, warmup: float, final: float) -> float:
    """Return the learning rate of a step over its highest: a linear rise over the fraction ``warmup``, then a cosine.

    The cosine ends at ``final``.
    """
    n_rise = warmup * n_steps
    if step < n_rise:
        return (step + 1) / max(n_rise, 1.0)
    phase = (step - n_rise) / max(n_steps - n_rise, 1.0)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * phase))
