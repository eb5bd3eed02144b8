"""Mean scale factors between the working points of the tagger: what an analysis that cuts on the score gets.

The RMS over all jets hides the few that matter: above the tight working point there is one light jet in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from deepsf.arrays import Floats
from deepsf.audit.methods import NONE, TRUTH, Method, Results
from deepsf.binned.envelope import envelope_shifts, sum_over_sources
from deepsf.binned.flavour import BINNED_METHODS
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.cells import counting_error
from deepsf.errors.method_errors import MethodErrors, total
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
    results: Results,
    methods: Mapping[str, Method],
    samples: Mapping[str, InclusiveJets],
    working_points: Mapping[str, float],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by method, flavour and bin the mean scale factor and its errors; with a truth the true mean and the RMS.

    Parameters
    ----------
    methods
        All methods, the truth among them if there is one.
    samples
        By flavour, inclusive jets with a valid or invalid score; an invalid one lies below the loosest working point.
    working_points
        Thresholds in the discriminant by name.

    Returns
    -------
    dict
        ``{"above", "value", "error", "errors", "systematic", "truth", "rms", "n_jets", "purity", "extrapolated"}``.
        ``above`` is the bin's threshold. ``errors`` has the parts of ``error`` by name: ``stat`` of the binned methods,
        all of `deepsf.errors.method_errors` of an ensemble; None where an error is not known. ``systematic`` is the sum
        over systematic shifts, None without any. ``purity`` is the mean over jets of the flavour's largest fraction in
        any region, ``extrapolated`` the share of jets beyond the limits of the score.
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
    truth = methods[TRUTH](flavour, jets) if TRUTH in methods else None
    about = {"n_jets": len(jets), **_determined(results, flavour, jets, share)}
    found = {}
    for name, method in methods.items():
        if name == TRUTH:
            continue
        if name in results.errors:
            values, figures = _of_ensemble(results.errors[name], flavour, jets, share)
        else:
            values, figures = method(flavour, jets), _of_method(results, name, flavour, jets, share)
        found[name] = {"value": float(values @ share), **figures, **about}
        if truth is not None:
            distance = float(np.sqrt(np.mean((values - truth) ** 2)))
            found[name] |= {"truth": float(truth @ share), "rms": distance}
    return found


def _determined(results: Results, flavour: str, jets: Jets, share: Floats) -> dict[str, float | None]:
    """Return how well data determine the scale factor of jets: purity, and the share beyond the limits."""
    purities, limits = results.binned.purities, results.deepsf.members[0].limits.get(flavour)
    return {
        "purity": None if purities is None else float(purities.best(flavour, jets) @ share),
        "extrapolated": None if limits is None else float(limits.is_beyond(jets) @ share),
    }


def _of_ensemble(errors: MethodErrors, flavour: str, jets: Jets, share: Floats) -> tuple[Floats, dict[str, Any]]:
    at = errors.at(flavour, jets)
    parts = {name: error if np.isfinite(error) else None for name, error in at.of_mean(share).items()}
    error = None if None in parts.values() else float(total(parts))
    return at.value, {"error": error, "errors": parts, "systematic": at.systematic(share) if at.shifts else None}


def _of_method(results: Results, name: str, flavour: str, jets: Jets, share: Floats) -> dict[str, Any]:
    if name not in BINNED_METHODS or flavour not in results.binned.flavours:
        return {"error": 0.0 if name == NONE else None, "errors": {}, "systematic": None}
    error = counting_error(results.binned.flavours[flavour], jets, share)
    known = error if np.isfinite(error) else None
    return {
        "error": known,
        "errors": {"stat": known},
        "systematic": _systematic(results.binned, name, flavour, jets, share),
    }


def _systematic(binned: BinnedScaleFactor, method: Any, flavour: str, jets: Jets, share: Floats) -> float | None:
    """Return the sum in quadrature over systematic sources of a binned method: of each the larger direction."""
    nominal = float(binned.evaluate(flavour, jets, method) @ share)
    names = envelope_shifts(binned.flavours[flavour].shift_names, statistical=False)
    if not names:
        return None
    return sum_over_sources(
        {name: float(binned.evaluate(flavour, jets, method, shift=name) @ share) - nominal for name in names}
    )
