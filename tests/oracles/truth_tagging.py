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
    systematics: tuple[str, ...] = ()
    n_merged: int = 0

    def averaged_over(self, jets):
        """Return the same: they do not depend on the score."""
        return self

    def of_jets(self, jets, systematic=None):
        """Return the scale factors of jets, larger by a tenth with any systematic."""
        return _AtJets(self.function, jets, 1.0 if systematic is None else 1.1)


@dataclass(frozen=True)
class _AtJets:
    function: Callable[..., Any]
    jets: Any
    factor: float

    def in_bins(self, efficiency):
        """Return the scale factor of each jet in each tag bin, ``(n, K + 1)``."""
        n_jets, n_points = efficiency.shape
        columns = [
            self.function(self.jets.hadron_flavour, self.jets.pt_gev, self.jets.abseta, np.full(n_jets, n, np.int8))
            for n in range(n_points + 1)
        ]
        return self.factor * np.stack(columns, axis=1).astype(np.float64)

    def at_tags(self, efficiency):
        """Return that of the actual tag bin."""
        return np.take_along_axis(self.in_bins(efficiency), self.jets.tag_bin[:, None].astype(int), axis=1)[:, 0]
