"""The ensemble's mean at millions of jets: from a fine table of it, where its inputs allow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.audit.methods import ExactMean, Method
from deepsf.config.exports import DeepSFTable
from deepsf.exports.ensemble_table import EnsembleTable, ensemble_table
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import Jets, logit

SIZE = DeepSFTable(n_pt=16, n_abseta=9, n_discriminant=64)
"""Cells of the table: finer than the exported one."""
CHECKED = 5000
_STANDARD = {"pt", "abseta", "discriminant"}


@dataclass(frozen=True)
class TabulatedMean:
    """The ensemble's mean by flavour: linear in log(pT), |eta| and logit(discriminant) inside of each cell."""

    tables: dict[str, EnsembleTable]

    def __call__(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the normalised mean at each jet, shape ``(n,)``; 1 for flavours that are not measured."""
        if flavour not in self.tables:
            return np.ones(len(jets))
        table = self.tables[flavour]
        row, u = _cell(table.pt_gev, jets.pt_gev, log=True)
        column, z = _cell(table.abseta, jets.abseta)
        position = np.clip(logit(jets.discriminant), table.node[0], table.node[-1])
        node = np.searchsorted(table.node[1:-1], position, side="right")
        t = (position - table.node[node]) / (table.node[node + 1] - table.node[node])
        # the first score is that of invalid ones
        invalid = jets.discriminant < 0
        below = np.where(invalid, 0, node + 1)
        t = np.where(invalid, 0.0, t)
        nominal = table.values[0]
        value = np.zeros(len(jets))
        for side_pt, in_pt in ((0, 1.0 - u), (1, u)):
            for side_eta, in_eta in ((0, 1.0 - z), (1, z)):
                corner = row + side_pt, column + side_eta
                at = nominal[*corner, below], nominal[*corner, below + 1]
                value += in_pt * in_eta * (at[0] + t * (at[1] - at[0]))
        return value


def ensemble_mean(ensemble: EnsembleScaleFactor, *, abseta_max: float) -> Method:
    """Return the ensemble's mean as a method; networks with other inputs are evaluated themselves, which takes long.

    Parameters
    ----------
    abseta_max
        Jets have no larger |eta|.
    """
    first = ensemble.members[0]
    if any(set(scaling.names) - _STANDARD for scaling in first.scalings.values()):
        return ExactMean(ensemble)
    names = list(first.networks)
    return TabulatedMean({name: ensemble_table(ensemble, name, SIZE, abseta_max=abseta_max) for name in names})


def interpolation_rms(
    method: Method, ensemble: EnsembleScaleFactor, jets: Jets, flavours: Sequence[str]
) -> dict[str, float]:
    """Return by measured flavour the RMS of a method minus the ensemble's mean, at up to `CHECKED` of the jets each."""
    exact, rms = ExactMean(ensemble), {}
    for name in ensemble.members[0].networks:
        chosen = np.flatnonzero(jets.flavour == list(flavours).index(name))[:CHECKED]
        if len(chosen):
            difference = method(name, jets[chosen]) - exact(name, jets[chosen])
            rms[name] = float(np.sqrt(np.mean(difference**2)))
    return rms


def _cell(edges: Floats, values: npt.NDArray[Any], *, log: bool = False) -> tuple[Ints, Floats]:
    """Return the cell and the position in it, from 0 to 1; values beyond the outer edges lie on these."""
    exact = np.clip(values.astype(np.float64), edges[0], edges[-1])
    cell = np.searchsorted(edges[1:-1], exact, side="right")
    scale, exact = (np.log(edges), np.log(exact)) if log else (edges, exact)
    return cell, (exact - scale[cell]) / (scale[cell + 1] - scale[cell])
