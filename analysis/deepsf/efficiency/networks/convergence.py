"""Whether trainings of efficiency networks came to an end, from their losses at events that were held out.

Let L(0) be the loss of the mean efficiency of each flavour, where a training begins, and L(end) the smallest one. The
*last half* is the part of the fall from L(0) to L(end) that comes after half of the steps. The learning rate falls to 0
whether or not a network has learned all it can, so that the end of a training says nothing. Its middle does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

LAST_HALF_MAX = 0.1

History = Mapping[str, Sequence[float]]


def last_half(history: History) -> float:
    """Return the part of the fall of the held-out loss that the last half of the steps has; NaN if it did not fall."""
    steps, losses = np.asarray(history["pass"]), np.asarray(history["validation_loss"])
    best = int(np.argmin(losses))
    fall = history["start_loss"][0] - losses[best]
    if not fall > 0:
        return float("nan")
    middle = int(np.argmin(np.abs(steps - 0.5 * steps[-1])))
    return float(max(losses[middle] - losses[best], 0.0) / fall) if best > middle else 0.0


def not_converged(history: History) -> list[str]:
    """Return in words why a training has not converged; nothing if it has."""
    share = last_half(history)
    if np.isnan(share):
        return ["no better than the mean efficiency of each flavour at events that were held out"]
    if not share <= LAST_HALF_MAX:
        return [
            f"{share:.0%} of what it has learned came in the last half of its steps, limit {LAST_HALF_MAX:.0%}: the "
            "loss at events that were held out still falls"
        ]
    return []
