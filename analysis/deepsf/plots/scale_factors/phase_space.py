"""Jets and events of a phase space by channel: simulation against data, and their ratio before and after scale factors.

A column a channel and one for their sum. Above, simulation without scale factors stacked by flavour, and data; below,
the ratio of data to simulation for each method. The band of the binned scale factor's ratio is the envelope of all its
shifts, statistical ones included, drawn beside the statistical error of the simulation and not added to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from deepsf.arrays import Floats
from deepsf.audit.methods import NONE
from deepsf.audit.phase_space.content import SHIFTED, Content, content
from deepsf.audit.phase_space.histograms import ALL, PhaseSpaceHistograms
from deepsf.config.selection import CHANNELS
from deepsf.config.validation import N_JETS_LAST, RANKS
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.layout import Margins, corner_text, experiment_label, few_ticks, grid, mark_outside, tint
from deepsf.plots.stack import (
    METHODS,
    Comparison,
    chi2_text,
    draw_ratio,
    draw_stack,
    legend_entries,
    ratio_limits,
    set_log_range,
)
from deepsf.plots.style import Style, context

_CHANNEL_LABELS = {"ee": "ee", "emu": "eμ", "mumu": "μμ", ALL: "All channels"}
_JET_LABELS = {"leading": "Leading jet", "second": "Second jet", "further": "Further jets"}
_ENVELOPE_STRENGTH = 0.3
_MARKER_SIZE = 6.0
_RATIO_ERROR_MAX = 0.1
"""The ratios' range holds all points of a smaller statistical error; others beyond it are drawn as arrows."""
_LOG_DECADES = 4.5
_HEAD_ROOM = 0.85
_RATIO_HEAD_ROOM = 0.5
"""For text above the points, in units of their range."""
_HT_TICKS = (50.0, 100.0, 200.0, 500.0)

Tests = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
"""By channel, variable and method, ``p`` of `deepsf.probes.chi2.shape_test`."""


def figure(
    histograms: Mapping[str, PhaseSpaceHistograms],
    variable: str,
    n_jets: tuple[int, int],
    style: Style,
    tests: Tests | None = None,
) -> Figure:
    """Return the figure of one variable in events of so many jets, see the module's description.

    Parameters
    ----------
    histograms, variable, n_jets
        As `deepsf.audit.phase_space.content.content` takes them.
    tests
        Those to quote; none for the number of jets and HT, which no scale factor of the discriminant sets right.
    """
    channels = (*CHANNELS, ALL)
    columns = [content(histograms, variable, channel, n_jets) for channel in channels]
    methods = [method for method in METHODS if method in columns[0].simulation]
    edges, axis = _edges(histograms, variable, n_jets, columns)
    with context(0.85):
        bottom = 1.1 if axis is None else 1.75 + axis.room_for_labels(max_labels=13, size="x-small")
        margins = Margins(left=1.35, bottom=bottom, top=0.6, between_columns=0.2, between_rows=0.12)
        made, axes = grid([4.3, *[1.75] * len(methods)], [4.7] * len(columns), margins, sharex="col", sharey="row")
        for column, channel, found in zip(axes.T, channels, columns, strict=True):
            draw_stack(column[0], edges, found.by_flavour, _compared(found, NONE), style, size=_MARKER_SIZE)
            corner_text(column[0], f"{_CHANNEL_LABELS[channel]}\n{_n_jets_text(n_jets)}")
            for ratio, method in zip(column[1:], methods, strict=True):
                _draw_ratio(ratio, edges, found, method, style)
                lines = [style.method(method)] if channel == channels[0] else []
                tested = (tests or {}).get(channel, {}).get(variable, {}).get(method) if variable in RANKS else None
                lines += [] if tested is None else [chi2_text(tested)]
                corner_text(ratio, "\n".join(lines), size="xx-small", clear=True)
            for panel in column:
                _set_horizontal(panel, axis, edges, variable, labels=panel is column[-1])
        _set_limits(axes, columns, methods, edges, axis)
        axes[0, 0].set_ylabel("Jets / bin" if variable in RANKS else "Events / bin")
        # in the middle of all rows of ratios: of an even number, at the upper edge of the first below
        middle: dict[str, Any] = {"y": 0.5 if len(methods) % 2 else 1.0, "ha": "center"}
        axes[len(methods) // 2 + 1, 0].set_ylabel("Data / simulation", fontsize="small", **middle)
        _name_horizontal(axes[-1, -1], axis, _horizontal_label(variable, style))
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, axes[0, -1])
        _legend(axes[0, -1], columns[-1], variable, style)
    return made


def _compared(found: Content, method: str) -> Comparison:
    return Comparison(found.simulation[method], found.error[method], found.data, found.data_error)


def _edges(
    histograms: Mapping[str, PhaseSpaceHistograms], variable: str, n_jets: tuple[int, int], columns: Sequence[Content]
) -> tuple[Floats, DiscriminantAxis | None]:
    if variable == "n_jets":
        return np.arange(n_jets[0], n_jets[1] + 2, dtype=np.float64) - 0.5, None
    if variable == "ht":
        return np.asarray(histograms["events"].data.axes["ht"].edges), None
    edges = np.asarray(histograms["jets"].data.axes["discriminant"].edges)
    invalid = any(c.data[0] > 0 or c.simulation[NONE][0] != 0 for c in columns)
    axis = DiscriminantAxis(edges, bool(edges[0] < 0 and invalid))
    return axis.drawn, axis


def _draw_ratio(axes: Axes, edges: Floats, found: Content, method: str, style: Style) -> None:
    compared = _compared(found, method)
    draw_ratio(axes, edges, compared, size=_MARKER_SIZE)
    if method == SHIFTED and found.shifts is not None:
        up, down = (compared.relative(side) for side in found.shifts)
        colour = tint(style.colour(method), _ENVELOPE_STRENGTH)
        axes.stairs(1 + up, edges, baseline=1 - down, fill=True, facecolor=colour, linewidth=0, zorder=1)


def _set_limits(
    axes: Any, columns: Sequence[Content], methods: Sequence[str], edges: Floats, axis: DiscriminantAxis | None
) -> None:
    first = 0 if axis is None else axis.first_shown
    highest = max(float(np.max([c.data + c.data_error, c.simulation[NONE]])) for c in columns)
    stacks = [column.by_flavour for column in columns]
    set_log_range(axes[0, 0], highest, stacks, first, decades=_LOG_DECADES, head_room=_HEAD_ROOM)
    compared = [[_compared(column, method) for column in columns] for method in methods]
    low, high = ratio_limits((c for row in compared for c in row), first, error_max=_RATIO_ERROR_MAX, reach=0.08)
    centre = 0.5 * (edges[1:] + edges[:-1])
    for panels, row in zip(axes[1:], compared, strict=True):
        panels[0].set_ylim(low, high + _RATIO_HEAD_ROOM * (high - low))
        few_ticks(panels[0])
        panels[0].yaxis.set_minor_locator(NullLocator())
        for panel, column in zip(panels, row, strict=True):
            mark_outside(panel, centre[first:], column.ratio()[0][first:], "black")


def _set_horizontal(axes: Axes, axis: DiscriminantAxis | None, edges: Floats, variable: str, *, labels: bool) -> None:
    if axis is not None:
        axis.apply(axes, labels=labels, max_labels=13, size="x-small")
        return
    axes.set_xlim(edges[0], edges[-1])
    if variable == "n_jets":
        numbers = list(0.5 * (edges[1:] + edges[:-1]))
        texts = [f"≥{number:g}" if number == N_JETS_LAST else f"{number:g}" for number in numbers]
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xscale("log")
        # a label at the end would stick out
        numbers = [tick for tick in _HT_TICKS if edges[0] <= tick < 0.9 * edges[-1]]
        texts = [f"{tick:g}" for tick in numbers]
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_major_formatter(FixedFormatter(texts))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelbottom=labels, labelsize="small")


def _name_horizontal(axes: Axes, axis: DiscriminantAxis | None, label: str) -> None:
    if axis is None:
        axes.set_xlabel(label)
    else:
        # the label is longer than the panel: below the word at the slot of invalid scores
        axis.name(axes, label, labelpad=1.6 * mpl.rcParams["font.size"] if axis.show_invalid else None)


def _horizontal_label(variable: str, style: Style) -> str:
    if variable in RANKS:
        return f"{_JET_LABELS[variable]}: {style.discriminant_label}"
    return "Number of jets" if variable == "n_jets" else "$H_{T}$ [GeV] (last bin open)"


def _n_jets_text(n_jets: tuple[int, int]) -> str:
    first, last = n_jets
    if last >= N_JETS_LAST:
        return f"≥ {first} jets"
    return f"{first} jets" if first == last else f"{first} to {last} jets"


def _legend(axes: Axes, found: Content, variable: str, style: Style) -> None:
    entries = legend_entries(found.by_flavour, style)
    if found.shifts is not None:
        colour = tint(style.colour(SHIFTED), _ENVELOPE_STRENGTH)
        entries.append((Patch(facecolor=colour), "Binned SF, all shifts"))
    axes.legend(
        *zip(*entries, strict=True),
        title=None if variable in RANKS else "by the leading jet's flavour",
        title_fontsize="xx-small",
        loc="upper right",
        bbox_to_anchor=(1.0, 0.84),
        ncols=2,
        fontsize="xx-small",
        columnspacing=1.0,
        handlelength=1.3,
        labelspacing=0.3,
    )
