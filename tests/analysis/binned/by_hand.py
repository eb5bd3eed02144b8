"""A table worked out by hand: two pT bins, invalid scores and two bins of valid ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepsf.binned.flavour import BinnedFlavour, ShiftedValues, unit_table
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.weights import NormalisationTable

BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), np.array([-1.0, 0.0, 0.5, 1.0]))
HALVES = KinematicBins(np.array([50.0]), np.empty(0))


def by_hand() -> BinnedFlavour:
    """Return 1, 2, 4 below and 3, none, 5 above 50 GeV, over 2 below and 0.5 above; a shift doubles the values."""
    sf = np.array([[[1.0, 2.0, 4.0]], [[3.0, 1.0, 5.0]]])
    measured = np.array([[[True, True, True]], [[True, False, True]]])
    tables = dict.fromkeys(("binned", "binned_smooth"), NormalisationTable(HALVES, np.array([2.0, 0.5])))
    node, error = logit([0.25, 0.75]), np.full(sf.shape, 0.1)
    doubled = np.where(measured, 2.0 * sf, sf)
    return replace(
        unit_table(BINS, node, "logit"),
        sf=sf,
        measured=measured,
        error=error,
        **replicas_of(sf, error, np.array([2.0, 0.5])[:, None]),
        smooth=sf[..., 1:],
        normalisation=tables,
        shifts={"lf_up": ShiftedValues(doubled, doubled[..., 1:], tables)},
    )


def replicas_of(sf, error, divisor=1.0) -> dict[str, np.ndarray]:
    """Return two bootstraps of scale factors, shape (n_pt, n_abseta, n_disc), whose spread is the error."""
    replicas = np.stack([sf - error / np.sqrt(2.0), sf + error / np.sqrt(2.0)])
    divisors = np.broadcast_to(divisor, replicas.shape[:-1])
    return {"replicas": replicas, "replica_measured": np.ones(replicas.shape, bool), "replica_divisors": divisors}


def jets(pt, score) -> Jets:
    pt, score = np.array(pt, np.float32), np.array(score, np.float32)
    return Jets(pt, np.ones(len(pt), np.float32), score, np.zeros(len(pt), np.int8))
