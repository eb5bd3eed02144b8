"""Pile-up weights of simulated events from a correctionlib file."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import correctionlib
import numpy as np

from deepsf.arrays import Array, Floats
from deepsf.config.pileup import Pileup
from deepsf.corrections.sets import named

log = logging.getLogger(__name__)


class PileupError(ValueError):
    """The pile-up correction cannot be used; the message names file, correction, rule and way out."""


@dataclass(frozen=True)
class PileupWeights:
    """A pile-up correction with the values of its string input that are nominal and shifted; made by `load_pileup`."""

    correction: correctionlib.highlevel.Correction
    settings: Pileup

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the shifts; none if the correction takes no string."""
        return tuple(self._keys)

    @property
    def origins(self) -> dict[str, str]:
        """By shift, the key and the correction that it comes from, for messages."""
        return {shift: f"pileup.shifts: {key} of {self.correction.name}" for shift, key in self._keys.items()}

    @property
    def _keys(self) -> dict[str, str]:
        takes_string = any(variable.type == "string" for variable in self.correction.inputs)
        if self.settings.shifts is None or not takes_string:
            return {}
        return dict(zip(("pileup_up", "pileup_down"), self.settings.shifts, strict=True))

    def evaluate(self, n_true_interactions: Array) -> tuple[Floats, dict[str, Array]]:
        """Return the weight of each event, and by shift the ratio of its weight to that one.

        The ratio to a weight of 0 is 1: such an event does not count, whatever its shift says.
        """
        nominal = self.weight(self.settings.weights, n_true_interactions)
        counts = nominal > 0.0
        ratios = {}
        for shift, key in self._keys.items():
            shifted = self.weight(key, n_true_interactions)
            ratios[shift] = np.divide(shifted, nominal, out=np.ones(len(nominal)), where=counts)
        return nominal, ratios

    def weight(self, key: str, n_true_interactions: Array) -> Floats:
        """Return the weight of each event.

        Parameters
        ----------
        key
            Value of the correction's string input (``nominal``, ``up``, ``down``); unused if it has none.
        n_true_interactions
            Shape (n,): the Poisson mean of the interactions per crossing, ``Pileup_nTrueInt``.

        Raises
        ------
        PileupError
            If the correction is not defined somewhere, or a weight is negative or not finite.
        """
        if len(n_true_interactions) == 0:
            return np.zeros(0)
        values = {
            "string": key,
            "real": n_true_interactions.astype(np.float64),
            "int": n_true_interactions.astype(np.int64),
        }
        try:
            result = self.correction.evaluate(*(values[variable.type] for variable in self.correction.inputs))
        except (IndexError, RuntimeError, ValueError) as error:
            low, high = n_true_interactions.min(), n_true_interactions.max()
            raise PileupError(
                f"correction {self.correction.name!r} is not defined for weights {key!r} and all of Pileup_nTrueInt "
                f"from {low:g} to {high:g} ({error}); correct pileup.weights and pileup.shifts (null for none), or "
                "take a correction that covers the simulation"
            ) from error
        return self._checked(np.asarray(result, np.float64), n_true_interactions)

    def _checked(self, weights: Floats, n_true_interactions: Array) -> Floats:
        bad = ~(np.isfinite(weights) & (weights >= 0.0))
        if np.any(bad):
            raise PileupError(
                f"correction {self.correction.name!r} gives the weight {weights[bad][0]:g} at Pileup_nTrueInt "
                f"{n_true_interactions[bad][0]:g} ({np.count_nonzero(bad)} of {len(bad)} events); weights must be "
                "finite and not negative; take another pile-up correction"
            )
        return weights


def load_pileup(settings: Pileup) -> PileupWeights:
    """Return the weights of the correction ``name`` in the correctionlib file ``file``.

    Raises
    ------
    PileupError
        If the file cannot be read, lacks the correction, or the correction takes anything but one number and at most
        one string.
    """
    path = settings.file
    correction = named(path, settings.name, PileupError, file_key="pileup.file", name_key="pileup.name")
    kinds = [variable.type for variable in correction.inputs]
    if sorted(kind for kind in kinds if kind != "string") not in (["real"], ["int"]) or kinds.count("string") > 1:
        inputs = ", ".join(f"{variable.name} ({variable.type})" for variable in correction.inputs)
        raise PileupError(
            f"{path}: correction {settings.name!r} takes {inputs}; a pile-up weight takes the true number of "
            "interactions and at most one string; set pileup.name to such a correction"
        )
    if settings.shifts is not None and "string" not in kinds:
        log.warning("%s: correction %r takes no string: the pile-up weight has no shifts", path, settings.name)
    return PileupWeights(correction, settings)
