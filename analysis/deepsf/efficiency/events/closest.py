"""Distance to the closest other jet of the event, the theta* of arXiv:2004.02665."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from deepsf.efficiency.events.events import Floats32, Ints, JetEvents


def closest_jet(events: JetEvents) -> tuple[Floats32, Ints]:
    """Return distance to and place of the closest other jet of each jet's event.

    Returns
    -------
    tuple
        DeltaR = sqrt(Deta^2 + Dphi^2) with Dphi in [-pi, pi], float32, ``(n_jets,)``, infinite for lone jets; and the
        closest jet's index among all jets, int64, ``(n_jets,)``, -1 for lone jets. Of jets equally far the harder one.
    """
    delta_r, index = _closest_jet(events.offsets, events.eta, events.phi)
    return delta_r, index


@njit(cache=True)
def _closest_jet(offsets: Ints, eta: Floats32, phi: Floats32) -> tuple[Floats32, Ints]:
    delta_r = np.full(len(eta), np.inf, np.float32)
    index = np.full(len(eta), -1, np.int64)
    for event in range(len(offsets) - 1):
        first, last = offsets[event], offsets[event + 1]
        for i in range(first, last):
            best = np.inf
            for j in range(first, last):
                if i == j:
                    continue
                delta_eta = np.float64(eta[i]) - np.float64(eta[j])
                delta_phi = abs(np.float64(phi[i]) - np.float64(phi[j]))
                delta_phi = min(delta_phi, 2.0 * math.pi - delta_phi)
                squared = delta_eta * delta_eta + delta_phi * delta_phi
                if squared < best:
                    best = squared
                    index[i] = j
            delta_r[i] = math.sqrt(best)
    return delta_r, index
