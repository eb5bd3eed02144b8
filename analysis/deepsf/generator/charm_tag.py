"""c-tag scores beside the b-tag discriminants, for the cut of a c-enriched region; the same in data and simulation.

At given flavour a score is independent of all else, with P(score < t) = t**a: the efficiencies of CvL above 0.8 are
those of a tight c tag against light jets, which leaves b jets to a cut on the b-tag discriminant or on CvB.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Ints, Reals, Singles
from deepsf.generator.jagged import HADRON_FLAVOURS, flavour_place
from deepsf.jets import INVALID

THRESHOLD = 0.8
EFFICIENCIES = {"CvL": {5: 0.15, 4: 0.30, 0: 0.005}, "CvB": {5: 0.05, 4: 0.30, 0: 0.40}}
"""Above the threshold, by score and hadron flavour."""


def draw(rng: np.random.Generator, score: str, hadron_flavour: Ints, abseta: Reals, abseta_max: float) -> Singles:
    """Return a score (``CvL``, ``CvB``) of jets, -1 outside of the tracker."""
    efficiencies = EFFICIENCIES[score]
    exponents = np.log([1.0 - efficiencies[flavour] for flavour in HADRON_FLAVOURS]) / np.log(THRESHOLD)
    values = rng.random(len(hadron_flavour)) ** (1.0 / exponents[flavour_place(hadron_flavour)])
    return np.where(abseta < abseta_max, values, INVALID).astype(np.float32)
