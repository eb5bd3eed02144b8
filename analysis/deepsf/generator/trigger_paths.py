"""Trigger paths of leptons, worked out from their names: ``HLT_Mu23_TrkIsoVVL_Ele12_...`` fires on Mu23 and Ele12."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from deepsf.arrays import Bools
from deepsf.generator.detector import RecoLeptons

TURN_ON_GEV = 1.0
"""Reconstructed pT above a threshold that a leg needs: real paths are not efficient at once."""
_LEG = re.compile(r"(?:Iso)?(?:Tk)?(Double)?(Ele|Mu)(\d+)")
_PDG_ID = {"Ele": 11, "Mu": 13}


def fired(paths: Iterable[str], leptons: RecoLeptons) -> dict[str, Bools]:
    """Return which events each path selects, shape (n,): a lepton for every leg, each above the leg's threshold.

    Raises
    ------
    ValueError
        If a name has no leg of an electron or a muon.
    """
    return {path: _fires(path, leptons) for path in dict.fromkeys(paths)}


def legs(path: str) -> dict[str, list[float]]:
    """Return the thresholds [GeV] of a path by lepton, the highest first."""
    found: dict[str, list[float]] = {}
    for part in path.split("_"):
        leg = _LEG.fullmatch(part)
        if leg is not None:
            double, lepton, threshold = leg.groups()
            found.setdefault(lepton, []).extend([float(threshold)] * (2 if double else 1))
    if not found:
        raise ValueError(
            f"selection.triggers: the generator cannot tell what {path} selects; generated events have paths with legs "
            "of electrons and muons, such as Ele23 and Mu8"
        )
    return {lepton: sorted(thresholds, reverse=True) for lepton, thresholds in found.items()}


def _fires(path: str, leptons: RecoLeptons) -> Bools:
    result = np.ones(len(leptons.pt_gev), np.bool_)
    for lepton, thresholds in legs(path).items():
        candidates = leptons.is_stored & (np.abs(leptons.pdg_id) == _PDG_ID[lepton])
        for n_before, threshold in enumerate(thresholds):
            n_above = (candidates & (leptons.pt_gev > threshold + TURN_ON_GEV)).sum(axis=1)
            result &= n_above > n_before
    return result
