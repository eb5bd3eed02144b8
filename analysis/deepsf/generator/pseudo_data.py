"""Pseudo-data: discriminants that follow the injected scale factor."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from deepsf.arrays import Ints, Reals
from deepsf.generator.discriminant import TAGGER_ABSETA_MAX, Tagger, draw
from deepsf.generator.jagged import flavour_place

MAX_ROUNDS = 1000


class ScaleFactor(Protocol):
    """What pseudo-data follow: `deepsf.generator.true_sf.InjectedScaleFactor`, or that of one process."""

    @property
    def label(self) -> str:
        """File and correction, for messages."""

    @property
    def ceilings(self) -> Reals:
        """Upper bounds for the flavours of ``HADRON_FLAVOURS``."""

    def evaluate(self, hadron_flavour: Ints, abseta: Reals, pt_gev: Reals, discriminant: Reals) -> Reals:
        """Return the scale factor per jet."""


# 7 arguments: what is followed, and a column each
def discriminant_of_data(
    rng: np.random.Generator,
    tagger: Tagger,
    injected: ScaleFactor,
    hadron_flavour: Ints,
    pt_gev: Reals,
    abseta: Reals,
    odds: Reals | None = None,
) -> Reals:
    """Draw discriminants by accept-reject: their density is that of simulation times SF / <SF>.

    <SF> is the mean over the discriminant at the jet's flavour, pT and |eta|, so that no jet is lost and the rate stays
    exactly what it was. Jets from |eta| = 2.5 on are not tagged and follow simulation. ``odds`` are those of `draw`.

    Raises
    ------
    ValueError
        If the scale factor exceeds the ceiling found from its table, or is zero for all discriminants of a jet.
    """
    values = draw(rng, tagger, hadron_flavour, pt_gev, abseta, odds)
    ceiling = injected.ceilings[flavour_place(hadron_flavour)]
    todo = np.flatnonzero(abseta < TAGGER_ABSETA_MAX)
    for _ in range(MAX_ROUNDS):
        sf = injected.evaluate(hadron_flavour[todo], abseta[todo], pt_gev[todo], values[todo])
        above = ~(sf <= ceiling[todo])
        if above.any():
            jet = todo[above][0]
            raise ValueError(
                f"{injected.label}: {sf[above][0]:g} for flavour {hadron_flavour[jet]} at |eta| = {abseta[jet]:.4g}, "
                f"pT = {pt_gev[jet]:.4g} GeV, discriminant = {values[jet]:.6g} exceeds the ceiling {ceiling[jet]:g} "
                "found by scanning the table; smooth the table"
            )
        todo = todo[rng.random(len(todo)) * ceiling[todo] >= sf]
        if not len(todo):
            return values
        of_todo = None if odds is None else odds[todo]
        values[todo] = draw(rng, tagger, hadron_flavour[todo], pt_gev[todo], abseta[todo], of_todo)
    jet = todo[0]
    raise ValueError(
        f"{injected.label}: no discriminant was accepted in {MAX_ROUNDS} draws for flavour {hadron_flavour[jet]} at "
        f"|eta| = {abseta[jet]:.4g}, pT = {pt_gev[jet]:.4g} GeV; the scale factor must not vanish there"
    )
