"""Non-closure of the ensemble at one working point, as the audit shows and judges it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.audit.rows import Rows, rows_by
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.non_closure.measure import measure, yields_by_cell

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

_CERTAIN = 2.0
"""Errors by which tau^2 must exceed what is said to be there."""


class NonClosureCheck(NamedTuple):
    """Non-closure in cells of flavour, pT and DeltaR to the closest jet, arrays ``(n_flavours, n_pt, n_delta_r)``.

    Attributes
    ----------
    deviation, statistical, spread, mean
        See `deepsf.efficiency.non_closure.cells.NonClosure`.
    systematic
        Relative error of the efficiencies of a cell: the root of the expected square of its bias.
    tau2, tau2_error, significance
        Variance of the biases of a flavour's cells, ``(n_flavours,)``.
    predicted
        Weighted number of tagged jets that are predicted.
    bias
        Predicted over true yield, less one; None without truth.
    """

    pt_gev: Floats
    delta_r: Floats
    deviation: Floats
    statistical: Floats
    spread: Floats
    mean: Floats
    systematic: Floats
    tau2: Floats
    tau2_error: Floats
    significance: Floats
    predicted: Floats
    bias: Floats | None


def check_non_closure(
    events: JetEvents, model: ModelEfficiencies, truth: Floats | None, edges: Sequence[Floats], point: int
) -> NonClosureCheck:
    """Return the non-closure of a model, and where the truth is known what it really is.

    Parameters
    ----------
    truth
        True efficiencies, ``(n_jets, K)``.
    edges
        Of the cells in pT [GeV] and in DeltaR.
    point
        Index of the working point.
    """
    measured = measure(events, model, *edges)
    found, cells = measured.of(events.working_points[point]), measured.cells
    index = cells.of_jets(events)
    predicted = yields_by_cell(events, cells, index, model.mean[:, point])
    bias = None
    if truth is not None:
        bias = ratio(predicted, yields_by_cell(events, cells, index, truth[:, point])) - 1
    return NonClosureCheck(
        cells.pt_gev,
        cells.delta_r,
        found.deviation,
        found.statistical,
        found.spread,
        found.mean,
        found.systematic,
        found.tau2,
        found.tau2_error,
        found.significance,
        predicted,
        bias,
    )


def non_closure_rows(check: NonClosureCheck, flavours: tuple[str, ...]) -> Rows:
    """Return size and significance of the non-closure by flavour; and whether it and the spread are the true error."""
    certain = np.sqrt(np.maximum(check.tau2 - _CERTAIN * check.tau2_error, 0.0))
    certain[np.isnan(check.tau2)] = np.nan
    figures = {
        "size": 100 * np.sqrt(check.tau2),
        "at_least": 100 * certain,
        "significance": check.significance,
    }
    rows: Rows = {}
    for name, values in figures.items():
        rows |= rows_by("flavour", flavours, f"non_closure.{name}.{{flavour}}", values)
    if check.bias is not None:
        rows |= rows_by("flavour", flavours, "non_closure.quoted_over_true.{flavour}", quoted_over_true(check))
    return rows


def quoted_over_true(check: NonClosureCheck) -> Floats:
    """Return by flavour rms(error that is quoted) / rms(true bias) over predicted tags, ``(n_flavours,)``.

    The error is that of the spread and of the non-closure together: the true bias has a part from the training events,
    which is what the spread says.

    Raises
    ------
    ValueError
        If the truth is not known.
    """
    if check.bias is None:
        raise ValueError("the true bias is not known: the events have no true efficiencies")
    usable = np.isfinite(check.bias) & np.isfinite(check.systematic)
    weight = np.where(usable, check.predicted, 0.0)

    def mean_square(values: Floats) -> Floats:
        return np.asarray(np.sum(weight * np.where(usable, values, 0.0), axis=(1, 2)))

    return np.sqrt(ratio(mean_square(check.spread**2 + check.systematic**2), mean_square(check.bias**2)))
