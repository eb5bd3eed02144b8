"""From repetitions of a fit and the binned scale factor to the errors of every method that is an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.cells import ErrorCells, error_cells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.entries import evenly
from deepsf.probes.inclusive import InclusiveJets

N_JETS = 60_000
"""Inclusive jets of a flavour that errors of cells are made from."""


def measure_errors(
    ensembles: Mapping[str, EnsembleScaleFactor],
    refits: Refits,
    binned: BinnedScaleFactor,
    inclusive: InclusiveJets,
    flavours: Sequence[str],
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """Return by method and flavour the errors by range of score and pT, and the names of repeated shifts; plain lists.

    Parameters
    ----------
    ensembles
        By method.
    flavours
        All flavours, in the order of the jets' flavour index.
    thresholds
        Working points in the score, rising.
    """
    edges = np.array(thresholds, np.float64)
    cells: dict[str, dict[str, Any]] = {name: {} for name in ensembles}
    for flavour in binned.flavours:
        sample = inclusive.of(flavours.index(flavour))
        sample = sample[_spread_over_scores(sample.jets.discriminant, edges)]
        replicas = refits.replicas(flavour, sample.jets)
        for name, ensemble in ensembles.items():
            of_flavour = error_cells(ensemble, replicas, binned, flavour, sample, edges)
            cells[name][flavour] = of_flavour.to_json()
    return {"cells": cells, "shifts": refits.shift_names, "n_bootstraps": len(refits.bootstraps)}


def errors_of(
    ensembles: Mapping[str, EnsembleScaleFactor],
    refits: Mapping[str, Refits],
    report: Mapping[str, Any],
    extrapolation: float,
) -> dict[str, MethodErrors]:
    """Return the errors by method, from what `measure_errors` made; of ``extrapolation`` the relative size."""
    return {
        name: MethodErrors(
            ensemble,
            refits[name],
            {flavour: ErrorCells.from_json(cells) for flavour, cells in report["cells"][name].items()},
            extrapolation,
        )
        for name, ensemble in ensembles.items()
    }


def _spread_over_scores(score: Any, edges: Any) -> Any:
    """Return places of jets: of each range between working points at most an equal part of `N_JETS`."""
    part = np.searchsorted(edges, score, side="left")
    n_parts = len(edges) + 1
    return np.sort(np.concatenate([evenly(np.flatnonzero(part == k), N_JETS // n_parts) for k in range(n_parts)]))
