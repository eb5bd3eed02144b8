"""Pile-up weights of simulated events from a correctionlib file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import numpy.typing as npt

from deepsf.config.samples import Pileup

Array = npt.NDArray[Any]


class PileupError(ValueError):
    """The pile-up correction cannot be used; the message names file, correction, rule and way out."""


def load_pileup(pileup: Pileup, path: str | Path) -> correctionlib.highlevel.Correction:
    """Return the correction ``pileup.name`` of the correctionlib file at ``path``.

    Raises
    ------
    PileupError
        If the file cannot be read, lacks the correction, or the correction takes anything but one number and at most
        one string.
    """
    try:
        corrections = correctionlib.CorrectionSet.from_file(str(path))
    except Exception as error:  # correctionlib raises many types on files that are missing or malformed
        raise PileupError(f"{path}: not a readable correctionlib file ({error}); correct pileup.file") from error
    if pileup.name not in list(corrections):
        raise PileupError(f"{path}: no correction {pileup.name!r}; set pileup.name to one of {sorted(corrections)}")
    correction = corrections[pileup.name]
    kinds = [variable.type for variable in correction.inputs]
    if sorted(kind for kind in kinds if kind != "string") not in (["real"], ["int"]) or kinds.count("string") > 1:
        inputs = ", ".join(f"{variable.name} ({variable.type})" for variable in correction.inputs)
        raise PileupError(
            f"{path}: correction {pileup.name!r} takes {inputs}; a pile-up weight takes the true number of "
            "interactions and at most one string; set pileup.name to such a correction"
        )
    return correction


def pileup_weights(
    correction: correctionlib.highlevel.Correction, weights: str, n_true_interactions: Array
) -> npt.NDArray[np.float64]:
    """Return the weight of each event.

    Parameters
    ----------
    weights
        Value of the correction's string input (``nominal``, ``up``, ``down``); unused if it has none.
    n_true_interactions
        Shape (n,): the Poisson mean of the interactions per crossing, ``Pileup_nTrueInt``.

    Raises
    ------
    PileupError
        If the correction is not defined somewhere, or a weight is negative or not finite.
    """
    values: dict[str, Any] = {
        "string": weights,
        "real": n_true_interactions.astype(np.float64),
        "int": n_true_interactions.astype(np.int64),
    }
    if len(n_true_interactions) == 0:
        return np.zeros(0)
    try:
        result = correction.evaluate(*(values[variable.type] for variable in correction.inputs))
    except (IndexError, RuntimeError, ValueError) as error:
        low, high = n_true_interactions.min(), n_true_interactions.max()
        raise PileupError(
            f"correction {correction.name!r} is not defined for weights {weights!r} and all of Pileup_nTrueInt from "
            f"{low:g} to {high:g} ({error}); correct pileup.weights and pileup.shifts (null for none), or "
            "take a correction that covers the simulation"
        ) from error
    result = np.asarray(result, np.float64)
    bad = ~(np.isfinite(result) & (result >= 0.0))
    if np.any(bad):
        raise PileupError(
            f"correction {correction.name!r} gives the weight {result[bad][0]:g} at Pileup_nTrueInt "
            f"{n_true_interactions[bad][0]:g} ({np.count_nonzero(bad)} of {len(bad)} events); weights must be finite "
            "and not negative; take another pile-up correction"
        )
    return result


@dataclass(frozen=True)
class PileupWeights:
    """A pile-up correction with the values of its string input that are nominal and shifted."""

    correction: correctionlib.highlevel.Correction
    settings: Pileup

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the shifts; none if the correction takes no string."""
        return tuple(self._keys)

    @property
    def _keys(self) -> dict[str, str]:
        takes_string = any(variable.type == "string" for variable in self.correction.inputs)
        if self.settings.shifts is None or not takes_string:
            return {}
        return dict(zip(("pileup_up", "pileup_down"), self.settings.shifts, strict=True))

    def evaluate(self, n_true_interactions: Array) -> tuple[npt.NDArray[np.float64], dict[str, Array]]:
        """Return the weight of each event, and by shift the ratio of its weight to that one.

        The ratio to a weight of 0 is 1: such an event does not count, whatever its shift says.

        Raises
        ------
        PileupError
            If the correction is not defined somewhere, or a weight is negative or not finite.
        """
        nominal = pileup_weights(self.correction, self.settings.weights, n_true_interactions)
        counts = nominal > 0.0
        ratios = {}
        for shift, key in self._keys.items():
            shifted = pileup_weights(self.correction, key, n_true_interactions)
            ratios[shift] = np.divide(shifted, nominal, out=np.ones(len(nominal)), where=counts)
        return nominal, ratios
