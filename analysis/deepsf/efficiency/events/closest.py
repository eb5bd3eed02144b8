"""Distance to the closest other jet of the event, the theta* of arXiv:2004.02665."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from deepsf.arrays import Ints, Singles
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.ranks import by_rank


def closest_jet(events: JetEvents) -> tuple[Singles, Ints]:
    """Return the distance and the index of the closest other jet in the event of each jet.

    Returns
    -------
    tuple
        DeltaR = sqrt(Deta^2 + Dphi^2) with Dphi in [-pi, pi], float32, ``(n_jets,)``, infinite for a single jet; and
        the index of the closest jet among all jets, int64, ``(n_jets,)``, -1 for a single jet. Of two jets at the same
        distance the harder one counts.
    """
    eta, phi = events.eta.astype(np.float64), events.phi.astype(np.float64)
    squared, index = np.full(len(eta), np.inf), np.full(len(eta), -1, np.int64)
    for block in by_rank(events.offsets, np.ones(len(eta), np.bool_)):
        for harder, softer in combinations(block.jets, 2):
            harder = harder[: len(softer)]
            delta_eta, delta_phi = eta[harder] - eta[softer], np.abs(phi[harder] - phi[softer])
            delta_phi = np.minimum(delta_phi, 2.0 * np.pi - delta_phi)
            distance = delta_eta * delta_eta + delta_phi * delta_phi
            for jet, other in ((harder, softer), (softer, harder)):
                closer = distance < squared[jet]
                squared[jet[closer]] = distance[closer]
                index[jet[closer]] = other[closer]
    return np.sqrt(squared).astype(np.float32), index
