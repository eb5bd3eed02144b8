"""A scale factor from elsewhere, to be drawn beside the measured ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from deepsf.arrays import Floats
from deepsf.corrections.correction import SHAPE_INPUTS, Correction


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
        CorrectionFileError
            If the correction has further inputs.
        """
        correction.require_inputs(SHAPE_INPUTS, optional=tuple(SHAPE_INPUTS))

        def evaluate(flavour: str, pt_gev: Floats, abseta: Floats, discriminant: Floats) -> Floats:
            columns = {"abseta": abseta, "pt": pt_gev, "discriminant": discriminant}
            code = hadron_flavours[flavour][0]
            return correction.scale_factor({**columns, "systematic": systematic, "flavor": code})

        return cls(label, evaluate)
