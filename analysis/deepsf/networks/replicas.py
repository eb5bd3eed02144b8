"""Statistical replicas of scale factors: from fits to bootstraps by event of data and simulation.

A replica is the scale factor times the ratio of one bootstrap to the mean of all bootstraps. Its spread is that of the
error ``stat`` (`deepsf.errors.method_errors`) without the floor, for one jet as for any number made of many jets.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from deepsf.arrays import Floats
from deepsf.probes.entries import Jets


class Fit(Protocol):
    """Scale factors of one training."""

    def evaluate(self, flavour: str, jets: Jets) -> Floats:
        """Return the scale factor of each jet, shape ``(n,)``."""
        ...


def relative_deviations(bootstraps: Sequence[Fit], flavour: str, jets: Jets) -> Floats:
    """Return the relative deviations of bootstraps from their mean, shape ``(n_bootstraps, n)``."""
    values = np.stack([fit.evaluate(flavour, jets) for fit in bootstraps])
    return np.asarray(values / values.mean(axis=0) - 1.0)


def require_replica(replica: int, n_bootstraps: int) -> None:
    """Raise if there is no replica of that number.

    Raises
    ------
    ValueError
        If there are less than two bootstraps, or the number is not one of 0 to ``n_bootstraps`` - 1.
    """
    if n_bootstraps < 2:
        raise ValueError(
            f"replica {replica}: these scale factors have {n_bootstraps} bootstraps, 2 or more are needed; load them "
            "with replicas=FILE, refits.safetensors of MeasureErrors"
        )
    if not 0 <= operator.index(replica) < n_bootstraps:
        raise ValueError(f"replica {replica}: there are {n_bootstraps}, numbered from 0 to {n_bootstraps - 1}")
