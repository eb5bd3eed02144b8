"""Scale factors of one process alone: the injected one, tilted in the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Ints, Reals
from deepsf.config.mismodelling import Departure, JetFlavour
from deepsf.generator.discriminant import Tagger, cumulative
from deepsf.generator.jagged import FLAVOUR_CODES, HADRON_FLAVOURS, flavour_place
from deepsf.generator.pseudo_data import ScaleFactor


@dataclass(frozen=True)
class TiltedScaleFactor:
    """A scale factor times 1 + slope (2u - 1), u the cumulative probability of the score in simulation.

    Attributes
    ----------
    untilted
        For all processes.
    tagger
        Whose score it is of.
    slopes
        Of the flavours of ``HADRON_FLAVOURS``, between -1 and 1. Jets without a score have no slope.
    """

    untilted: ScaleFactor
    tagger: Tagger
    slopes: Reals

    @property
    def label(self) -> str:
        """The untilted one's, for messages."""
        return self.untilted.label

    @property
    def ceilings(self) -> Reals:
        """Upper bounds of the flavours: u lies between 0 and 1."""
        return self.untilted.ceilings * (1.0 + np.abs(self.slopes))

    def evaluate(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        """Return the scale factor per jet, all of shape ``(n,)``."""
        score = np.asarray(discriminant, float)
        below = cumulative(self.tagger, hadron_flavour, pt_gev, abseta, score)
        slope = np.where(score > 0, self.slopes[flavour_place(hadron_flavour)], 0.0)
        untilted = self.untilted.evaluate(hadron_flavour, abseta, pt_gev, discriminant)
        return np.asarray(untilted * (1.0 + slope * (2.0 * below - 1.0)))


def of_process(injected: ScaleFactor, tagger: Tagger, departures: Mapping[JetFlavour, Departure]) -> ScaleFactor:
    """Return the scale factor of a tagger's score in a process that departs from simulation."""
    by_code = {FLAVOUR_CODES[flavour]: departure.score_slope for flavour, departure in departures.items()}
    slopes = np.array([by_code.get(code, 0.0) for code in HADRON_FLAVOURS])
    return TiltedScaleFactor(injected, tagger, slopes) if slopes.any() else injected
