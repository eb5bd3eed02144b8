"""A c-tag score beside the b-tag discriminants, for the cut of a c-enriched region; the same in data and simulation.

At given flavour it is independent of all else, with P(score < t) = t**a: the efficiencies above 0.8 are
those of a tight c tag against light jets, which leaves b jets to a cut on the b-tag discriminant.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Ints, Reals, Singles
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place
from deepsf.jets import INVALID

BRANCH = "btagDeepFlavCvL"
THRESHOLD = 0.8
EFFICIENCIES = {5: 0.15, 4: 0.30, 0: 0.005}
"""Above the threshold, by hadron flavour."""
_EXPONENTS = np.log([1.0 - EFFICIENCIES[flavour] for flavour in HADRON_FLAVOURS]) / np.log(THRESHOLD)


def draw(rng: np.random.Generator, hadron_flavour: Ints, abseta: Reals, abseta_max: float) -> Singles:
    """Return scores of jets, -1 outside of the tracker."""
    score = rng.random(len(hadron_flavour)) ** (1.0 / _EXPONENTS[flavour_place(hadron_flavour)])
    return np.where(abseta < abseta_max, score, INVALID).astype(np.float32)
