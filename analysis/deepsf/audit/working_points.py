"""Mean scale factors between the working points of the tagger: what an analysis that cuts on the score gets.

The RMS over all jets hides the few that matter: above the tight working point there is one light jet in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import DEEPSF, NONE, TRUTH, Method, Results
from deepsf.binned.flavour import BINNED_METHODS, BinnedFlavour
from deepsf.guards import is_positive
from deepsf.probes.entries import Jets, evenly
from deepsf.probes.inclusive import InclusiveJets

N_JETS = 6000
"""Jets of a bin that are looked at."""


def bin_names(working_points: Mapping[str, float]) -> list[str]:
    """Return names of the bins between working points: ``below L``, ``L-M``, ``M-T``, ``above T``."""
    names = sorted(working_points, key=lambda name: working_points[name])
    return [f"below {names[0]}", *(f"{a}-{b}" for a, b in pairwise(names)), f"above {names[-1]}"]


def by_working_point(
    results: Results, methods: Mapping[str, Method], samples: Mapping[str, InclusiveJets],
    working_points: Mapping[str, float],
) -> dict[str, dict[str, dict[str, Any]]]:  # fmt: skip
    """Return by method, flavour and bin the mean scale factor, its error, the true mean and the RMS to the truth.

    Parameters
    ----------
    methods
        All methods, the truth among them.
    samples
        By flavour, inclusive jets with a valid or invalid score; an invalid one lies below the loosest working point.
    working_points
        Thresholds in the discriminant by name.

    Returns
    -------
    dict
        ``{"above", "value", "error", "truth", "rms", "n_jets", "purity"}``, numbers. ``above`` is the bin's threshold.
        An error that is not known is None. The error of binned scale factors is that of the bootstraps, the error of an
        ensemble that of its mean over trainings. ``purity`` is the mean over jets of the flavour's largest fraction in
        any region: where it is small, no data tell the scale factor, and no error here says so.
    """
    report: dict[str, dict[str, dict[str, Any]]] = {}
    edges = sorted(working_points.values())
    for flavour, sample in samples.items():
        place = np.searchsorted(edges, sample.jets.discriminant, side="left")
        for number, name in enumerate(bin_names(working_points)):
            index = evenly(np.flatnonzero(place == number), N_JETS)
            if not is_positive(sample.weight[index].sum()):
                continue  # no jets, or weights that cancel
            found = _in_bin(results, methods, flavour, sample.jets[index], sample.weight[index])
            above = edges[number - 1] if number else None
            for method, figures in found.items():
                report.setdefault(method, {}).setdefault(flavour, {})[name] = {"above": above, **figures}
    return report


def _in_bin(
    results: Results, methods: Mapping[str, Method], flavour: str, jets: Jets, weight: Floats
) -> dict[str, dict[str, Any]]:
    share = weight / weight.sum()
    truth = methods[TRUTH](flavour, jets)
    ensembles = {DEEPSF: results.deepsf, **results.other}
    purities = results.binned.purities
    purity = None if purities is None else float(purities.best(flavour, jets) @ share)
    found = {}
    for name, method in methods.items():
        if name == TRUTH:
            continue
        error: float | None = None
        if name in ensembles:
            members = ensembles[name].member_values(flavour, jets)
            values, error = members.mean(axis=0), _error_of_mean(members @ share)
        else:
            values = method(flavour, jets)
        if name in BINNED_METHODS and flavour in results.binned.flavours:
            error = _bootstrap_error(results.binned.flavours[flavour], jets, share)
        found[name] = {
            "value": float(values @ share),
            "error": 0.0 if name == NONE else error,
            "truth": float(truth @ share),
            "rms": float(np.sqrt(np.mean((values - truth) ** 2))),
            "n_jets": len(jets),
            "purity": purity,
        }
    return found


def _error_of_mean(means: Floats) -> float | None:
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None


def _bootstrap_error(table: BinnedFlavour, jets: Jets, share: Floats) -> float | None:
    """Return the spread of the mean over bootstraps; a bin that a bootstrap could not measure has its nominal value."""
    replicas = table.replicas
    if len(replicas) < 2:
        return None
    in_bin = np.bincount(table.bins.index(jets), share, table.bins.size)
    nominal = np.broadcast_to(table.sf, replicas.shape) / table.replica_divisors[..., None]
    normalised = np.where(table.replica_measured, table.normalised_replicas, nominal)
    return float((normalised.reshape(len(replicas), -1) @ in_bin).std(ddof=1))
