"""Correlation of the tags of an event's jets that efficiencies do not explain.

Products of efficiencies are right only if tags are independent given all that the efficiencies know. With the residual
z = (t - w) / sqrt(w (1 - w)) of each jet, the mean of z_i z_j over pairs of jets of an event is then 0; under that
hypothesis every product has variance 1, and products of different pairs are uncorrelated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from deepsf.arrays import Floats, Ints
from deepsf.efficiency.audit.jet_closure import Values
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import flavour_pairs


class TagCorrelation(NamedTuple):
    """Residual correlation by flavour pair, in the order of `flavour_pairs`; arrays ``(n_pairs,)``, NaN without pairs.

    ``n_excluded`` jets have an efficiency of 0 or 1, and no residual.
    """

    pairs: tuple[str, ...]
    correlation: Floats
    error: Floats
    n_jet_pairs: Ints
    n_excluded: int

    @property
    def significance(self) -> Floats:
        """Return correlation over error."""
        return self.correlation / self.error


def tag_correlation(
    events: JetEvents, efficiency: Values, point: int, tag_bin: npt.NDArray[np.int8] | None = None
) -> TagCorrelation:
    """Return the residual correlation of tags at a working point over all pairs of jets, efficiencies ``(n_jets, K)``.

    Parameters
    ----------
    tag_bin
        Other tags than those of the events, ``(n_jets,)``.
    """
    tag = (events.tag_bin if tag_bin is None else tag_bin) > point
    weight = efficiency[:, point].astype(np.float64)
    usable = (weight > 0) & (weight < 1)
    residual = np.full(len(weight), np.nan)
    residual[usable] = ((tag - weight) / np.sqrt(weight * (1 - weight), where=usable, out=np.ones(len(weight))))[usable]
    pairs = flavour_pairs(events.flavours)
    sums = np.zeros((3, len(pairs)))
    counts = np.zeros(len(pairs), np.int64)
    generator, flavour = events.weight.astype(np.float64), events.flavour.astype(np.int64)
    _add_pairs(events.offsets, residual, flavour, generator, len(events.flavours), sums, counts)
    product, total, squares = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation, error = product / total, np.sqrt(squares) / np.abs(total)
    return TagCorrelation(pairs, correlation, error, counts, int(np.sum(~usable)))


@njit(cache=True)
def _add_pairs(
    offsets: Any, residual: Any, flavour: Any, generator: Any, n_flavours: int, sums: Any, counts: Any
) -> None:
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            for j in range(i + 1, offsets[event + 1]):
                product = residual[i] * residual[j]
                if np.isnan(product):
                    continue
                low, high = min(flavour[i], flavour[j]), max(flavour[i], flavour[j])
                pair = low * n_flavours - low * (low - 1) // 2 + high - low
                sums[0, pair] += generator[event] * product
                sums[1, pair] += generator[event]
                sums[2, pair] += generator[event] ** 2
                counts[pair] += 1
