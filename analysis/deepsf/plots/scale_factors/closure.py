"""Probe discriminant of a region: simulation stacked by flavour against data, before and after scale factors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import hist
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepsf.arrays import Floats
from deepsf.audit.methods import NONE, TRUTH
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.layout import Margins, clear_of_below, corner_text, experiment_label, few_ticks, grid, mark_outside
from deepsf.plots.stack import (
    METHODS,
    Comparison,
    Test,
    chi2_text,
    draw_ratio,
    draw_stack,
    legend_entries,
    ratio_limits,
    reduced_chi2_text,
    set_log_range,
)
from deepsf.plots.style import Style, context

_RATIO_ERROR_MAX = 0.15
"""The ratio's range holds all points of a smaller statistical error; others beyond it are drawn as arrows."""
_LOG_DECADES = 4.0
_HEAD_ROOM = 0.75
_HEADING_MAX = 36
"""Letters that fit above a column."""


class _Column(NamedTuple):
    by_flavour: dict[str, Floats]
    compared: Comparison


def figure(
    region: str,
    simulation: hist.Hist[Any],
    data: hist.Hist[Any],
    style: Style,
    tests: Mapping[str, Test] = MappingProxyType({}),
    out_of_fold: Mapping[str, Test] = MappingProxyType({}),
) -> Figure:
    """Return the probe discriminant of a region, one column a method, with the ratio of data to simulation below.

    Parameters
    ----------
    simulation
        Axes method, flavour, discriminant; weighted. A first bin below 0 holds the invalid scores.
    data
        Axis discriminant, the same edges.
    tests
        By method, the test to quote.
    out_of_fold
        The same of `deepsf.audit.out_of_fold`, of which chi2 of networks is quoted, too: its p-value is none.

    Raises
    ------
    ValueError
        If data and simulation have different edges.
    """
    edges = np.asarray(data.axes[0].edges)
    if not np.array_equal(simulation.axes["discriminant"].edges, edges):
        raise ValueError("data and simulation have different discriminant edges; both must come from one audit")
    methods = [method for method in METHODS if method in list(simulation.axes["method"])]
    columns = [_column(simulation, data, method) for method in methods]
    invalid = any(c.compared.data[0] > 0 or c.compared.simulation[0] != 0 for c in columns)
    axis = DiscriminantAxis(edges, bool(edges[0] < 0 and invalid))
    size = 8.0 if len(edges) < 30 else 5.0
    with context(0.95):
        margins = Margins(left=1.5, bottom=1.65 + axis.room_for_labels(), top=0.65, between_columns=0.35)
        made, axes = grid([5.6, 2.3], [6.4] * len(columns), margins, sharex="col", sharey="row")
        for (main, ratio), method, column in zip(axes.T, methods, columns, strict=True):
            draw_stack(main, axis.drawn, column.by_flavour, column.compared, style, size=size)
            draw_ratio(ratio, axis.drawn, column.compared, size=size)
            axis.apply(main, labels=False)
            axis.apply(ratio)
            name = _heading(method, style)
            heading = [style.region(region), name] if main is axes[0, 0] else [name]
            heading += [_test_text(method, tests[method])] if method in tests else []
            if method not in (NONE, TRUTH) and method in out_of_fold:
                heading.append(f"{reduced_chi2_text(out_of_fold[method])} out of fold")
            corner_text(main, text := "\n".join(heading))
        _set_limits(axes, dict(zip(methods, columns, strict=True)), axis)
        axes[0, 0].set_ylabel(_yield_label(axis))
        axes[1, 0].set_ylabel("Data / simulation", loc="center", fontsize="small")
        axis.name(axes[1, -1], style.discriminant_label)
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, axes[0, -1])
        _legend(axes[0, -1], columns[0].by_flavour, style, top=0.78 if text.count("\n") < 3 else 0.72)
    return made


def _heading(method: str, style: Style) -> str:
    name = style.method(method)
    return name if len(name) <= _HEADING_MAX else style.plain_method(method) + style.members_line(method)


def _test_text(method: str, test: Test) -> str:
    # a p-value of what was fitted to these very bins is no test
    return "Measured in these bins" if method == "binned" else chi2_text(test)


def _column(simulation: hist.Hist[Any], data: hist.Hist[Any], method: str) -> _Column:
    ordered, row = (
        simulation.project("method", "flavour", "discriminant"),
        list(simulation.axes["method"]).index(method),
    )
    values, variance = np.asarray(ordered.values())[row], np.asarray(ordered.variances())[row].sum(axis=0)
    observed, error = np.asarray(data.values(), np.float64), np.sqrt(np.asarray(data.variances()))
    by_flavour = dict(zip(ordered.axes["flavour"], values, strict=True))
    return _Column(by_flavour, Comparison(values.sum(axis=0), np.sqrt(variance), observed, error))


def _set_limits(axes: Any, columns: Mapping[str, _Column], axis: DiscriminantAxis) -> None:
    """Set ranges that all columns share; that of the ratio shows what is left after scale factors."""
    compared, first = [column.compared for column in columns.values()], axis.first_shown
    corrected = [column.compared for method, column in columns.items() if method != NONE] or compared
    highest = max(float(np.max([c.data + c.data_error, c.simulation + c.simulation_error])) for c in compared)
    stacks = [column.by_flavour for column in columns.values()]
    set_log_range(axes[0, 0], highest, stacks, first, decades=_LOG_DECADES, head_room=_HEAD_ROOM)
    clear_of_below(axes[0, 0])
    axes[1, 0].set_ylim(*ratio_limits(corrected, first, error_max=_RATIO_ERROR_MAX, reach=0.1, margin=0.08))
    few_ticks(axes[1, 0])
    centre = 0.5 * (axis.drawn[1:] + axis.drawn[:-1])
    for ratio, column in zip(axes[1], compared, strict=True):
        mark_outside(ratio, centre, column.ratio()[0], "black")


def _yield_label(axis: DiscriminantAxis) -> str:
    widths = np.diff(axis.drawn[1 if axis.has_invalid else 0 :])
    even = np.allclose(widths, widths.mean(), rtol=1e-3)
    return f"Probe jets / {widths.mean():.2g}" if even else "Probe jets / bin"


def _legend(axes: Axes, by_flavour: Mapping[str, Floats], style: Style, *, top: float) -> None:
    axes.legend(
        *zip(*legend_entries(by_flavour, style), strict=True),
        loc="upper right",
        bbox_to_anchor=(1.0, top),
        ncols=2,
        fontsize="x-small",
        columnspacing=1.0,
        handlelength=1.3,
    )
