"""Closure: the probe discriminant of each region, weighted simulation against data.

The artefact is ``{region: {"simulation", "data", "simulation_fine", "data_fine"}}``, histograms of weighted storage:

- ``simulation`` (axes method, flavour, discriminant) and ``data`` (discriminant): in the discriminant bins of the
  binned scale factor of the region's enriched flavour, merged over pT and |eta|. Scores outside the outer edges count
  in the outer bins; the first bin, below 0, holds invalid scores.
- ``simulation_fine``, ``data_fine``: 40 equal bins from 0 to 1; the underflow bin holds invalid scores.

Weights of the simulation are W S with S of the probe's own flavour. Variances are sums over events of (sum of weights
of the event's entries in the bin) squared: two entries of an event are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
from scipy.sparse import csr_array

from deepsf.arrays import Floats, Ints
from deepsf.audit.methods import AuditedRegion
from deepsf.probes.chi2 import BinSums, shape_test
from deepsf.probes.entries import ProbeEntries
from deepsf.probes.histograms import from_json

N_FINE = 40


@dataclass(frozen=True)
class RegionClosure:
    """Histograms of one region; see the module's description."""

    simulation: hist.Hist[Any]
    data: hist.Hist[Any]
    simulation_fine: hist.Hist[Any]
    data_fine: hist.Hist[Any]


def event_matrix(event: Ints, index: Ints, weight: Floats, size: int) -> csr_array:
    """Return the sum of weights by event and bin, sparse, shape ``(n_events, size)``.

    Column sums are the histogram, column sums of squares its variance, A^T A its covariance.
    """
    events, row = np.unique(event, return_inverse=True)
    return csr_array((weight, (row, index)), shape=(len(events), size))


def chi2_test(data: csr_array, simulation: csr_array) -> dict[str, Any]:
    """Compare the shapes of two histograms, given as sums by event and bin (`event_matrix`).

    That is `deepsf.probes.chi2.shape_test` with the normalisation free, in all bins that data or simulation enter. The
    weight kappa fixes the normalisation beforehand; the minimum does not depend on that. The error of S itself is not
    in the covariance: a scale factor measured in these bins has a chi2 near 0.

    Returns
    -------
    dict
        ``chi2``, ``ndf``, ``p``, and ``n_empty_bins``, which neither data nor simulation enters.
    """
    of_data, of_simulation = (BinSums.of_matrix(by_event) for by_event in (data, simulation))
    counted = np.diag(of_data.covariance + of_simulation.covariance) > 0
    test = shape_test(of_data, of_simulation, counted=counted)
    test["n_empty_bins"] = test.pop("n_sparse_bins")
    return test


def chi2_by_method(region: AuditedRegion, edges: Floats) -> dict[str, dict[str, Any]]:
    """Return the test of every method in the region's probe discriminant, in bins of the given edges."""
    data, simulation, size = region.entries.data, region.entries.simulation, len(edges) - 1
    of_data = event_matrix(data.event, measurement_bin(data, edges), data.weight, size)
    index = measurement_bin(simulation, edges)
    return {
        method: chi2_test(of_data, event_matrix(simulation.event, index, weight, size))
        for method, weight in region.weighted.items()
    }


def histograms(region: AuditedRegion, edges: Floats) -> RegionClosure:
    """Return the region's histograms of the probe discriminant.

    Parameters
    ----------
    edges
        Discriminant edges of the binned scale factor of the region's enriched flavour.
    """
    coarse = hist.axis.Variable(edges, name="discriminant", flow=False)
    fine = hist.axis.Regular(N_FINE, 0.0, 1.0, name="discriminant", underflow=True, overflow=False)
    data, simulation = region.entries.data, region.entries.simulation
    return RegionClosure(
        simulation=_of_simulation(region, coarse, measurement_bin(simulation, edges)),
        data=_of_data(data, coarse, measurement_bin(data, edges)),
        simulation_fine=_of_simulation(region, fine, _fine_bin(simulation)),
        data_fine=_of_data(data, fine, _fine_bin(data)),
    )


def measurement_bin(entries: ProbeEntries, edges: Floats) -> Ints:
    """Return the bin of each probe jet's score; scores outside the outer edges count in the outer bins."""
    return np.searchsorted(edges[1:-1], entries.probe.discriminant.astype(np.float64), side="right")


def _fine_bin(entries: ProbeEntries) -> Ints:
    """Return the bin of the view with underflow: 0 for invalid scores, 1 to ``N_FINE`` else."""
    discriminant = entries.probe.discriminant.astype(np.float64)
    return np.where(discriminant < 0, 0, 1 + np.clip((discriminant * N_FINE).astype(np.int64), 0, N_FINE - 1))


def _of_data(data: ProbeEntries, axis: Any, index: Ints) -> hist.Hist[Any]:
    filled = hist.Hist(axis, storage=hist.storage.Weight())
    _fill(filled.view(flow=True), event_matrix(data.event, index, data.weight, axis.extent))
    return filled


def _of_simulation(region: AuditedRegion, axis: Any, index: Ints) -> hist.Hist[Any]:
    simulation = region.entries.simulation
    method_axis = hist.axis.StrCategory(list(region.weighted), name="method", flow=False)
    flavour_axis = hist.axis.StrCategory(list(region.flavours), name="flavour", flow=False)
    filled = hist.Hist(method_axis, flavour_axis, axis, storage=hist.storage.Weight())
    flat = simulation.probe.flavour.astype(np.int64) * axis.extent + index
    for number, weight in enumerate(region.weighted.values()):
        sums = event_matrix(simulation.event, flat, weight, len(region.flavours) * axis.extent)
        _fill(filled.view(flow=True)[number], sums)
    return filled


def _fill(view: Any, sums: csr_array) -> None:
    view.value = np.asarray(sums.sum(axis=0)).reshape(view.shape)
    view.variance = np.asarray(sums.power(2).sum(axis=0)).reshape(view.shape)


def closure_from_json(text: str) -> dict[str, RegionClosure]:
    """Return the artefact's histograms by region."""
    return {name: RegionClosure(**stored) for name, stored in from_json(text).items()}
