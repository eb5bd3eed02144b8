"""Raw energies of generated jets: what the detector lost and pile-up added, which jet energy corrections undo.

The stored pT is that of a perfectly corrected jet. With p the pT that the detector saw without pile-up,

    stored pT = residual(eta) (p / response(eta) + lost),    raw pT = p + offset * rho * area.

`scripts.make_corrections` writes the inverse as corrections in the layout of CMS.
"""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Reals

MEAN_AREA = 0.503
OFFSET_GEV = 0.3
"""Pile-up below a jet, per unit of area and rho."""
LOST_GEV = 0.8
ETA_EDGES = (-5.2, -3.0, -2.5, -1.3, 0.0, 1.3, 2.5, 3.0, 5.2)
RESPONSE = (0.88, 0.85, 0.92, 0.95, 0.95, 0.92, 0.85, 0.88)
RESIDUAL = {
    "simulation": (1.0,) * len(RESPONSE),
    "data": (1.020, 1.030, 1.010, 1.005, 1.005, 1.010, 1.030, 1.020),
}
"""Data respond less than simulation by these factors, which the residual correction of data undoes."""


def raw_factor(pt_gev: Reals, eta: Reals, area: Reals, rho: Reals, is_data: bool) -> Reals:
    """Return 1 - raw pT / stored pT of jets, as NanoAOD stores it; all arrays of shape ``(n,)``."""
    index = np.searchsorted(ETA_EDGES[1:-1], eta, side="right")
    residual = np.array(RESIDUAL["data" if is_data else "simulation"])[index]
    seen = (pt_gev / residual - LOST_GEV) * np.array(RESPONSE)[index]
    return np.asarray(1.0 - (seen + OFFSET_GEV * rho * area) / pt_gev)
