"""Closure out of fold: each member of an ensemble at the events that it was not trained on.

Closure on the training data rewards a fit that follows their fluctuations. Here the fold of a member is what it held
out, data and simulation; a method's figure is the mean over folds. The mean of an ensemble has no events of its own:
all were seen by most members, and a sum over folds is again the closure on the training data (exactly so for a fit
that is linear in the data). It is therefore the members that are tested, with their own fluctuations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from deepsf.arrays import Bools, Floats, Ints
from deepsf.audit.closure import chi2_test, event_matrix, measurement_bin
from deepsf.audit.methods import DEEPSF, AuditedRegion, at_own_flavours
from deepsf.binned.flavour import BINNED_METHODS
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import ProbeEntries

Fold = tuple[Bools, Bools]
"""Which data and which simulated entries of a region a member was not trained on."""


def chi2_out_of_fold(
    region: AuditedRegion,
    edges: Floats,
    ensembles: Mapping[str, EnsembleScaleFactor],
    folds: Mapping[str, Sequence[Fold]],
) -> dict[str, dict[str, Any]]:
    """Return the mean test of the region's probe discriminant over folds, by method.

    A member is weighted with its own scale factors of the probe jet; omega and kappa are those of its ensemble. Methods
    that are no ensemble and are fitted to nothing (``none``, ``truth``) are tested on the folds of ``deepsf``.

    Parameters
    ----------
    edges
        Discriminant edges of the bins, shape ``(n_bins + 1,)``.
    ensembles
        Those in ``folds``, by method.
    folds
        By method, one fold a member.

    Returns
    -------
    dict
        ``chi2`` and ``ndf``, means over folds; ``p`` of these: that of a typical fold; ``n_folds``.
    """
    tests: dict[str, list[dict[str, Any]]] = {}
    for method, ensemble in ensembles.items():
        for member, fold in zip(ensemble.members, folds[method], strict=True):
            part = _Part(region, edges, fold)
            own = at_own_flavours(member.evaluate, region.flavours, part.simulation.probe)
            tests.setdefault(method, []).append(part.test(region.weight[method][part.chosen] * own))
    for method, weight in region.weighted.items():
        # binned methods are fitted to all data, in the bins that are compared
        if method not in (*ensembles, *BINNED_METHODS):
            parts = (_Part(region, edges, fold) for fold in folds.get(DEEPSF, ()))
            tests[method] = [part.test(weight[part.chosen]) for part in parts]
    return {method: _mean(of_method) for method, of_method in tests.items() if of_method}


class _Part:
    """Data and simulation of one fold; ``chosen`` are its simulated entries."""

    def __init__(self, region: AuditedRegion, edges: Floats, fold: Fold) -> None:
        self._edges, self.chosen = edges, np.flatnonzero(fold[1])
        self.simulation = region.entries.simulation[self.chosen]
        data = region.entries.data[np.flatnonzero(fold[0])]
        self._data = event_matrix(data.event, self._bin(data), data.weight, len(edges) - 1)

    def test(self, weight: Floats) -> dict[str, Any]:
        simulation = event_matrix(self.simulation.event, self._bin(self.simulation), weight, len(self._edges) - 1)
        return chi2_test(self._data, simulation)

    def _bin(self, entries: ProbeEntries) -> Ints:
        return measurement_bin(entries, self._edges)


def _mean(tests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    chi2, ndf = (float(np.mean([test[key] for test in tests])) for key in ("chi2", "ndf"))
    p = float(chi2_distribution.sf(chi2, ndf)) if ndf > 0 else 1.0
    return {"chi2": chi2, "ndf": ndf, "p": p, "n_folds": len(tests)}
