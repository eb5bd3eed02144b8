"""Variations of the binned measurement that are iterated side by side: nominal, shifts, bootstraps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Floats, Ints
from deepsf.binned.kernel import Indices


@dataclass(frozen=True)
class VariationWeights:
    """Weights of one region's entries in the variations of `Variations`.

    ``data`` has shape ``(n_data, n_variations)``, or ``(n_data, 1)`` where all variations share it. ``simulation`` has
    shape ``(n_simulation, n_columns)``; ``column`` says which of them each variation takes. ``factor``, of shape
    ``(n_flavours, n_variations)``, multiplies simulated entries by the flavour of their probe jet.
    """

    data: Floats
    simulation: Floats
    column: Indices
    factor: Floats

    def of(self, variations: Ints) -> VariationWeights:
        """Return the columns and factors of some variations; ``data`` stays."""
        return VariationWeights(
            self.data, self.simulation, self.column[variations], np.ascontiguousarray(self.factor[:, variations])
        )


@dataclass(frozen=True)
class Variations:
    """Iterations that run side by side: weights by region; ``offset`` is added to S at every step.

    ``offset`` has the shape ``(n_bins, n_variations)`` of the scale factors; none means 0.
    """

    names: tuple[str, ...]
    weights: Mapping[str, VariationWeights]
    offset: Floats | None = None
