"""What tells apart the iterations of the binned measurement that run side by side: nominal, shifts, bootstraps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deepsf.binned.kernel import Indices
from deepsf.probes.entries import Floats


@dataclass(frozen=True)
class ChainWeights:
    """Weights of one region's entries in the chains of `Chains`.

    ``data`` has shape ``(n_data, n_chains)``, or ``(n_data, 1)`` where all chains share it. ``simulation`` has shape
    ``(n_simulation, n_columns)``; ``column`` says which of them each chain takes. ``factor``, of shape
    ``(n_flavours, n_chains)``, multiplies simulated entries by the flavour of their probe jet.
    """

    data: Floats
    simulation: Floats
    column: Indices
    factor: Floats

    def of(self, chains: npt.NDArray[np.int64]) -> ChainWeights:
        """Return the columns and factors of some chains; ``data`` stays."""
        return ChainWeights(
            self.data, self.simulation, self.column[chains], np.ascontiguousarray(self.factor[:, chains])
        )


@dataclass(frozen=True)
class Chains:
    """Iterations that run side by side: weights by region; ``offset`` is added to S at every step.

    ``offset`` has the shape ``(n_slots, n_chains)`` of the scale factors; none means 0.
    """

    names: tuple[str, ...]
    weights: Mapping[str, ChainWeights]
    offset: Floats | None = None
