"""Every shift moves something: counts of what it moves in a file, and the error if that is nothing.

A shift that moves nothing looks like an uncertainty of zero. Its correction is the wrong one, cannot express it, or
misses what it is to move.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from deepsf.nanoaod.event_weights import LISTED
from deepsf.skim.cut_flow import SkimError, SkimReport, added
from deepsf.skim.selected import Selected
from deepsf.skim.settings import Corrections

JETS = 50
"""Selected jets from which on a file is judged: a shift of a fifth of all jets misses 50 in one of 10^5 files."""
JETS_FOR_FEW = 1000
"""The same for shifts that change fewer, as those of forward jets do: a few per cent of all, and none selected."""


def with_moved(report: SkimReport, selected: Selected, nominal: Selected) -> SkimReport:
    """Return the report with what a shift moves in a chunk added; with nominal jets, what shifts of the weight do."""
    if selected.shift == nominal.shift:
        counts = {name: np.abs(selected.weights[f"weight_{name}"] - 1.0) > 0.0 for name in report.weight_shifts}
    else:
        pt, nominal_pt = (chunk.events.jets.columns["pt"] for chunk in (selected, nominal))
        counts = {report.kinematic_shifts[selected.shift]: np.abs(pt - nominal_pt) > 0.0}
    return replace(
        report, moved=added(report.moved, {name: int(np.count_nonzero(mask)) for name, mask in counts.items()})
    )


def require_moved(where: str, report: SkimReport, corrections: Corrections, abseta_max: float) -> None:
    """Check that every shift of a file with enough jets moves something.

    Parameters
    ----------
    where
        The file, for the message.
    abseta_max
        Largest |eta| of selected jets.

    Raises
    ------
    SkimError
        Naming the shifts that move nothing, and the corrections or branches that they come from.
    """
    origins = _origins(corrections)
    n_jets, problems = report.jets["selected"], defaultdict[str, list[str]](list)
    for shift, n_moved in report.moved.items():
        if n_moved > 0 or n_jets < JETS:
            continue
        if n_jets >= JETS_FOR_FEW or not corrections.energy.acts_on_few(shift, abseta_max):
            origin = origins.get(shift, f"selection.weights.{shift.rpartition('_')[0]}")
            problems[origin].append(shift)
    if problems:
        n_events = sum(report.cut_flow["two_jets"].values())
        lines = [
            f"  shift(s) {' and '.join(shifts)} ({origin}) change nothing; correct or drop the entry"
            for origin, shifts in problems.items()
        ]
        raise SkimError(
            f"{where}: {sum(map(len, problems.values()))} shift(s) change nothing in {n_events} selected events with "
            f"{n_jets} jets, as if there were no such uncertainty\n" + "\n".join(lines)
        )


def _origins(corrections: Corrections) -> dict[str, str]:
    branches = {
        f"{source}_{direction}": f"branch {listed.branch}"
        for source, listed in LISTED.items()
        for direction in ("up", "down")
    }
    pileup = {} if corrections.pileup is None else corrections.pileup.origins
    return {**branches, **pileup, **corrections.energy.origins}
