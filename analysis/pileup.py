"""Pile-up weights of simulated events from a correctionlib file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import numpy.typing as npt

from analysis.config.events import Pileup

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
            f"{low:g} to {high:g} ({error}); correct pileup.weights or take a correction that covers the simulation"
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
