"""How far an exported correction is from the ensemble that it stands for, at inclusive jets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from deepsf.arrays import Floats
from deepsf.corrections.correction import Correction
from deepsf.exports.systematics import CENTRAL
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets, evenly
from deepsf.probes.inclusive import InclusiveJets


@dataclass(frozen=True)
class Distance:
    """Correction minus ensemble over jets of one flavour: root mean square, and the largest of 99 % and of all jets."""

    rms: float
    of_99_percent: float
    largest: float

    @classmethod
    def of(cls, away: Floats) -> Self:
        """Return the figures of the distances at jets, shape ``(n,)``."""
        return cls(float(np.sqrt(np.mean(away**2))), float(np.quantile(away, 0.99)), float(away.max()))

    def __str__(self) -> str:
        return f"{self.rms:.2g} (99 % of jets: {self.of_99_percent:.2g}; largest: {self.largest:.2g})"


def some_jets(sample: InclusiveJets, n_jets: int) -> Jets:
    """Return at most ``n_jets`` jets of a sample, taken evenly."""
    return sample.jets[evenly(np.arange(len(sample.jets)), n_jets)]


def distances(ensemble: EnsembleScaleFactor, correction: Correction, flavour: str, code: int, jets: Jets) -> Floats:
    """Return how far central values for a hadron flavour are from the ensemble's mean at each of its jets, ``(n,)``.

    Raises
    ------
    ValueError
        If the correction has no finite value for a jet.
    """
    exact = ensemble.member_values(flavour, jets).mean(axis=0)
    columns: dict[str, Any] = {
        "pt": jets.pt_gev,
        "abseta": jets.abseta,
        "discriminant": jets.discriminant,
        **jets.extra,
    }
    if flavour in ensemble.members[0].scalings:
        columns |= ensemble.members[0].scalings[flavour].stated(jets)
    return np.asarray(np.abs(correction.evaluate({"systematic": CENTRAL, "flavor": code, **columns}) - exact))
