"""Truth tagging in plain words: the probability of a pattern, scale factors from a function of the tag bin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


def pattern_probability(efficiency, offsets, tagged, taggable=None):
    """Return the probability of each event that exactly these of its taggable jets are tagged."""
    mask = np.ones(len(efficiency), bool) if taggable is None else taggable
    assert not (tagged & ~mask).any()
    factor = np.where(mask, np.where(tagged, efficiency, 1.0 - efficiency), 1.0)
    return np.array([factor[first:last].prod() for first, last in pairwise(offsets)])


@dataclass(frozen=True)
class FunctionOfBin:
    """Scale factors from a function of hadron flavour, pT [GeV], |eta| and tag bin."""

    function: Callable[..., Any]

    def in_bins(self, jets, efficiency):
        """Return the scale factor of each jet in each tag bin, ``(n, K + 1)``."""
        n_jets, n_points = efficiency.shape
        columns = [
            self.function(jets.hadron_flavour, jets.pt_gev, jets.abseta, np.full(n_jets, number, np.int8))
            for number in range(n_points + 1)
        ]
        return np.stack(columns, axis=1).astype(np.float64)
