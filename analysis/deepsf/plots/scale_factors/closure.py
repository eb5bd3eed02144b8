"""Probe discriminant of a region: simulation stacked by flavour against data, before and after scale factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import hist
import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.style import (
    Margins,
    Style,
    band,
    context,
    corner_text,
    experiment_label,
    few_ticks,
    grid,
    limits,
    mark_outside,
)
from deepsf.probes.entries import Floats

_BAND_COLOUR = "0.25"
METHODS = ("none", "binned", "direct", "deepsf")
"""Columns of the figure, of the methods that there are."""
_RATIO_ERROR_MAX = 0.15
"""The ratio's range holds all points of a smaller statistical error; others beyond it are drawn as arrows."""
_LOG_DECADES = 4.0
"""The logarithmic axis reaches down to the smallest flavour, but not further than this below the highest bin."""


class Agreement(NamedTuple):
    """Outcome of the chi2 test of data against simulation."""

    chi2: float
    ndf: int
    p: float


class _Column(NamedTuple):
    flavours: Sequence[str]
    stack: Floats
    simulation: Floats
    simulation_error: Floats
    data: Floats
    data_error: Floats
    ratio: Floats
    ratio_error: Floats


def figure(
    region: str,
    simulation: hist.Hist[Any],
    data: hist.Hist[Any],
    style: Style,
    *,
    methods: Sequence[str] | None = None,
    agreement: Mapping[str, Agreement] | None = None,
    log: bool = True,
) -> Figure:
    """Return the probe discriminant of a region, one column a method, with the ratio of data to simulation below.

    Parameters
    ----------
    simulation
        Axes method, flavour, discriminant; weighted. A first bin below 0 holds the invalid scores.
    data
        Axis discriminant, the same edges.
    methods
        Columns; by default those of `METHODS` that are in the histogram.
    agreement
        By method, the chi2 test to quote.
    log
        Logarithmic vertical axis.

    Raises
    ------
    ValueError
        If a method is not in the histogram, or data and simulation have different edges.
    """
    if methods is None:
        methods = [method for method in METHODS if method in list(simulation.axes["method"])]
    columns = [_column(simulation, data, method) for method in methods]
    edges = np.asarray(data.axes[0].edges)
    axis = DiscriminantAxis(edges, bool(edges[0] < 0 and any(c.data[0] > 0 or c.simulation[0] != 0 for c in columns)))
    with context(0.95):
        margins = Margins(left=1.5, bottom=1.45, top=0.65, between_columns=0.35)
        made, axes = grid([5.6, 2.3], [6.4] * len(columns), margins, sharex="col", sharey="row")
        for number, (method, column) in enumerate(zip(methods, columns, strict=True)):
            _draw_stack(axes[0, number], axis, column, style)
            _draw_ratio(axes[1, number], axis, column)
            axis.apply(axes[0, number], labels=False)
            axis.apply(axes[1, number])
            tested = (agreement or {}).get(method)
            _describe(axes[0, number], style.method(method), tested, style.region(region) if not number else "")
        _set_limits(axes, columns, axis, log=log)
        for number, column in enumerate(columns):
            centre = 0.5 * (axis.drawn[1:] + axis.drawn[:-1])
            mark_outside(axes[1, number], centre, column.ratio, "black")
        axes[0, 0].set_ylabel(_yield_label(axis))
        axes[1, 0].set_ylabel("Data / simulation", loc="center", fontsize="small")
        axes[1, -1].set_xlabel(style.discriminant_label)
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, right=False)
        experiment_label(axes[0, -1], style, left=False)
        _legend(axes[0, -1], columns[0], style)
    return made


def _column(simulation: hist.Hist[Any], data: hist.Hist[Any], method: str) -> _Column:
    known = list(simulation.axes["method"])
    if method not in known:
        raise ValueError(f"no scale factors {method!r} among the closure histograms; there are {known}")
    if not np.array_equal(simulation.axes["discriminant"].edges, data.axes[0].edges):
        raise ValueError("data and simulation have different discriminant edges; both must come from one audit")
    ordered = simulation.project("method", "flavour", "discriminant")
    row = known.index(method)
    stack, variance = np.asarray(ordered.values())[row], np.asarray(ordered.variances())[row].sum(axis=0)
    total, observed = stack.sum(axis=0), np.asarray(data.values(), np.float64)
    error = np.sqrt(np.asarray(data.variances()))
    positive = total > 0
    ratio, ratio_error = (
        np.divide(values, total, out=np.full(total.shape, np.nan), where=positive) for values in (observed, error)
    )
    empty = observed == 0
    return _Column(
        flavours=list(ordered.axes["flavour"]),
        stack=stack,
        simulation=total,
        simulation_error=np.sqrt(variance),
        data=observed,
        data_error=error,
        ratio=np.where(empty, np.nan, ratio),
        ratio_error=np.where(empty, np.nan, ratio_error),
    )


def _draw_stack(axes: Axes, axis: DiscriminantAxis, column: _Column, style: Style) -> None:
    order = np.argsort(column.stack.sum(axis=1))
    mplhep.histplot(
        [column.stack[i] for i in order],
        axis.drawn,
        stack=True,
        histtype="fill",
        ax=axes,
        flow="none",
        color=[style.flavour_colour(column.flavours[i]) for i in order],
        edgecolor="none",
        linewidth=0,
    )
    low, high = column.simulation - column.simulation_error, column.simulation + column.simulation_error
    band(axes, low, high, axis.drawn, _BAND_COLOUR)
    shown = np.where(column.data > 0, column.data, np.nan)
    mplhep.histplot(
        shown,
        axis.drawn,
        yerr=column.data_error,
        histtype="errorbar",
        color="black",
        ax=axes,
        flow="none",
        markersize=_marker_size(axis),
    )


def _draw_ratio(axes: Axes, axis: DiscriminantAxis, column: _Column) -> None:
    error = np.divide(
        column.simulation_error, column.simulation, out=np.full(len(column.data), np.nan), where=column.simulation > 0
    )
    axes.axhline(1.0, color="0.4", linewidth=1.0)
    band(axes, 1 - error, 1 + error, axis.drawn, _BAND_COLOUR)
    mplhep.histplot(
        column.ratio,
        axis.drawn,
        yerr=column.ratio_error,
        histtype="errorbar",
        color="black",
        ax=axes,
        flow="none",
        markersize=_marker_size(axis),
    )


def _marker_size(axis: DiscriminantAxis) -> float:
    return 8.0 if len(axis.edges) < 30 else 5.0


def _set_limits(axes: Any, columns: Sequence[_Column], axis: DiscriminantAxis, *, log: bool) -> None:
    first = axis.first_shown
    highest = max(float(np.max(np.maximum(c.data + c.data_error, c.simulation + c.simulation_error))) for c in columns)
    if log:
        lowest = np.concatenate([c.stack[np.argmin(c.stack.sum(axis=1)), first:] for c in columns])
        positive = lowest[lowest > 0]
        low = 0.5 * max(float(positive.min()) if len(positive) else 0.1, highest / 10**_LOG_DECADES)
        axes[0, 0].set_yscale("log")
        axes[0, 0].set_ylim(low, highest * (highest / low) ** 0.75)
    else:
        axes[0, 0].set_ylim(0.0, 1.9 * highest)
        axes[0, 0].yaxis.get_offset_text().set(x=-0.02, ha="right")  # beside the experiment's name, not on it
    values = [np.array([0.9, 1.1])]
    for column in columns:
        precise = column.ratio_error[first:] < _RATIO_ERROR_MAX
        ratio, error = column.ratio[first:][precise], column.ratio_error[first:][precise]
        values += [ratio - error, ratio + error]
    axes[1, 0].set_ylim(*limits(*values, margin=0.08))
    few_ticks(axes[1, 0])


def _yield_label(axis: DiscriminantAxis) -> str:
    widths = np.diff(axis.drawn[1 if axis.has_invalid else 0 :])
    even = np.allclose(widths, widths.mean(), rtol=1e-3)
    return f"Probe jets / {widths.mean():.2g}" if even else "Probe jets / bin"


def _describe(axes: Axes, method: str, agreement: Agreement | None, region: str) -> None:
    lines = [region, method] if region else [method]
    if agreement is not None:
        lines.append(f"$\\chi^{{2}}$/ndf = {agreement.chi2:.1f}/{agreement.ndf}, p = {agreement.p:.2g}")
    corner_text(axes, "\n".join(lines), size="small")


def _legend(axes: Axes, column: _Column, style: Style) -> None:
    order = np.argsort(column.stack.sum(axis=1))[::-1]
    size = mpl.rcParams["font.size"]
    points = axes.errorbar([], [], yerr=[], color="black", marker="o", markersize=0.3 * size, linestyle="none")
    entries: list[tuple[Any, str]] = [(points, "Data")]
    for name in (column.flavours[i] for i in order):
        entries.append((Patch(facecolor=style.flavour_colour(name)), style.flavour(name)))
    entries.append((Patch(facecolor="none", edgecolor=_BAND_COLOUR, linewidth=0, hatch="////"), "Simulation stat."))
    axes.legend(
        *zip(*entries, strict=True),
        loc="upper right",
        bbox_to_anchor=(1.0, 0.82),
        ncols=2,
        fontsize="x-small",
        columnspacing=1.0,
        handlelength=1.3,
    )
