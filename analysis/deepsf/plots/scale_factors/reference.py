"""A scale factor from elsewhere, to be drawn beside the measured ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from correctionlib import Correction

from deepsf.arrays import Floats


class Reference(NamedTuple):
    """A scale factor from elsewhere: ``evaluate(flavour, pt_gev, abseta, discriminant)`` on arrays ``(n,)``."""

    label: str
    evaluate: Callable[[str, Floats, Floats, Floats], Floats]

    @classmethod
    def of_correction(
        cls, correction: Correction, label: str, systematic: str, hadron_flavours: Mapping[str, Sequence[int]]
    ) -> Reference:
        """Return a correction of flavor, abseta, pt, discriminant and optionally systematic, as BTV's ``*_shape`` are.

        Parameters
        ----------
        hadron_flavours
            Codes of each flavour; the first is asked for.

        Raises
        ------
        ValueError
            If the correction has further inputs.
        """
        names = [variable.name for variable in correction.inputs]
        unknown = sorted(set(names) - {"systematic", "flavor", "abseta", "pt", "discriminant"})
        if unknown:
            raise ValueError(
                f"plots.reference: correction {correction.name} has the inputs {unknown}; a reference may depend on "
                "systematic, flavor, abseta, pt and discriminant alone"
            )

        def evaluate(flavour: str, pt_gev: Floats, abseta: Floats, discriminant: Floats) -> Floats:
            given = {
                "systematic": systematic,
                "flavor": hadron_flavours[flavour][0],
                "abseta": abseta,
                "pt": pt_gev,
                "discriminant": discriminant,
            }
            return np.asarray(correction.evaluate(*(given[name] for name in names)))

        return cls(label, evaluate)
