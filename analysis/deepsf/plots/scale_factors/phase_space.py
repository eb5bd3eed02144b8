"""Jets and events of a phase space by channel: simulation against data, and their ratio before and after scale factors.

A column a channel and one for their sum. Above, simulation without scale factors stacked by flavour, and data; below,
the ratio of data to simulation for each method. The band of the binned scale factor's ratio is the envelope of all its
shifts, statistical ones included, drawn beside the statistical error of the simulation and not added to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from deepsf.audit.methods import DEEPSF, DIRECT, NONE
from deepsf.audit.phase_space.bins import N_JETS_FIRST, RANKS
from deepsf.audit.phase_space.histograms import ALL, SPACES, PhaseSpaceHistograms, n_jets_of
from deepsf.binned.envelope import Envelope, envelope
from deepsf.config.selection import CHANNELS
from deepsf.config.validation import N_JETS_LAST, Validation
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.scale_factors.names import phase_space_stem, phase_space_variables
from deepsf.plots.style import Margins, Style, band, context, experiment_label, few_ticks, grid, limits, mark_outside
from deepsf.probes.entries import Floats
from deepsf.skim.shifts import NOMINAL

METHODS = (NONE, "binned", DIRECT, DEEPSF)
"""Rows of ratios, of the methods that there are."""
_WITH_SHIFTS = "binned"
_CHANNEL_LABELS = {"ee": "ee", "emu": r"e$\mu$", "mumu": r"$\mu\mu$", ALL: "All channels"}
_JET_LABELS = {"leading": "Leading jet", "second": "Second jet", "further": "Further jets"}
_BAND_COLOUR = "0.25"
_ENVELOPE_STRENGTH = 0.3
_RATIO_ERROR_MAX = 0.1
"""The ratios' range holds all points of a smaller statistical error; others beyond it are drawn as arrows."""
_LOG_DECADES = 4.5
_HEAD_ROOM = 0.85
"""For text and legend, in units of the range below it."""
_P_MIN = 1e-99
_HT_TICKS = (50.0, 100.0, 200.0, 500.0)

Tests = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
"""By channel, variable and method, ``p`` of `deepsf.audit.chi2.shape_test`."""


class Content(NamedTuple):
    """One variable in one channel: simulation by flavour without scale factors ``(n_flavours, n)``, the rest ``(n,)``.

    ``simulation`` and its ``error`` are by method; ``shifts`` is the envelope of the binned scale factor, if there is
    one.
    """

    stack: Floats
    simulation: dict[str, Floats]
    error: dict[str, Floats]
    data: Floats
    data_error: Floats
    shifts: Envelope | None

    def ratio(self, method: str) -> tuple[Floats, Floats]:
        """Return data over simulation and the data's error of it; NaN without data or simulation."""
        simulation = self.simulation[method]
        usable = (simulation > 0) & (self.data > 0)
        value, error = (
            np.divide(v, simulation, out=np.full(len(v), np.nan), where=usable) for v in (self.data, self.data_error)
        )
        return value, error

    def relative(self, method: str, error: Floats) -> Floats:
        """Return an error relative to the simulation; NaN without simulation."""
        simulation = self.simulation[method]
        return np.asarray(np.divide(error, simulation, out=np.full(len(error), np.nan), where=simulation > 0))


def content(
    jets: PhaseSpaceHistograms,
    events: PhaseSpaceHistograms,
    variable: str,
    channel: str,
    n_jets: tuple[int, int],
    methods: Sequence[str] | None = None,
) -> Content:
    """Return what is drawn of one variable (``leading``, ``second``, ``further``, ``n_jets``, ``ht``).

    Parameters
    ----------
    channel
        One of the channels, or ``all`` for their sum.
    n_jets
        First and last number of jets.
    methods
        By default those of `METHODS` that are in the histograms.

    Raises
    ------
    ValueError
        If a method is not in the histograms.
    """
    filled = jets if variable in RANKS else events
    known = list(filled.simulation.axes["method"])
    methods = methods or [method for method in METHODS if method in known]
    if missing := [method for method in methods if method not in known]:
        raise ValueError(f"no scale factors {missing[0]!r} among the histograms; there are {known}")

    def reduced(values: Any) -> Floats:
        """Return an array with the axes (..., channel, n_jets, own axes) as (..., bins of the variable)."""
        numbers = np.asarray(values, np.float64)
        own = 2 if variable in RANKS else 1
        of_channel = numbers.ndim - own - 2
        chosen = slice(None) if channel == ALL else slice(CHANNELS.index(channel), CHANNELS.index(channel) + 1)
        kept = np.moveaxis(numbers, of_channel, 0)[chosen].sum(axis=0)
        in_space = np.moveaxis(kept, kept.ndim - own - 1, 0)[n_jets[0] - N_JETS_FIRST : n_jets[1] - N_JETS_FIRST + 1]
        if variable == "n_jets":
            return np.asarray(np.moveaxis(in_space.sum(axis=-1), 0, -1))
        summed = in_space.sum(axis=0)
        return np.asarray(summed[..., RANKS.index(variable), :] if variable in RANKS else summed)

    # flavours to the front, so that channel and n_jets stand side by side
    simulation, variance = (
        reduced(np.moveaxis(np.asarray(v), 2, 1)) for v in (filled.simulation.values(), filled.simulation.variances())
    )
    totals = {method: simulation[known.index(method)].sum(axis=0) for method in methods}
    names = list(filled.shifts.axes["shift"])
    shifted = dict(zip(names, reduced(filled.shifts.values()), strict=True)) if names != [NOMINAL] else {}
    data = reduced(filled.data.values())
    return Content(
        stack=simulation[known.index(NONE)],
        simulation=totals,
        error={method: np.sqrt(variance[known.index(method)].sum(axis=0)) for method in methods},
        data=data,
        data_error=np.sqrt(reduced(filled.data.variances())),
        shifts=envelope(totals[_WITH_SHIFTS], shifted) if shifted and _WITH_SHIFTS in totals else None,
    )


def figures(
    jets: PhaseSpaceHistograms, events: PhaseSpaceHistograms, tests: Tests, validation: Validation, style: Style
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of every variable in every phase space; p-values stand in those of the validation."""
    for space in SPACES:
        for variable in phase_space_variables(space):
            tested = tests if space == "validation" else {}
            yield (
                phase_space_stem(space, variable),
                figure(jets, events, variable, n_jets_of(space, validation), style, tests=tested),
            )


def figure(
    jets: PhaseSpaceHistograms,
    events: PhaseSpaceHistograms,
    variable: str,
    n_jets: tuple[int, int],
    style: Style,
    *,
    tests: Tests | None = None,
) -> Figure:
    """Return the figure of one variable in events of so many jets, see the module's description."""
    channels = (*CHANNELS, ALL)
    columns = [content(jets, events, variable, channel, n_jets) for channel in channels]
    methods = list(columns[0].simulation)
    edges, axis = _edges(jets, events, variable, n_jets, columns)
    first = axis.first_shown if axis is not None else 0
    with context(0.85):
        bottom = 1.1 if axis is None else 1.5
        margins = Margins(left=1.35, bottom=bottom, top=0.6, between_columns=0.2, between_rows=0.12)
        made, axes = grid([4.3, *[1.75] * len(methods)], [4.7] * len(columns), margins, sharex="col", sharey="row")
        for number, (channel, column) in enumerate(zip(channels, columns, strict=True)):
            _draw_stack(axes[0, number], edges, column, list(jets.simulation.axes["flavour"]), style)
            label = f"{_CHANNEL_LABELS[channel]}\n{_n_jets_text(n_jets)}"
            axes[0, number].text(0.05, 0.96, label, transform=axes[0, number].transAxes, va="top", fontsize="small")
            for row, method in enumerate(methods, start=1):
                _draw_ratio(axes[row, number], edges, column, method, style)
                tested = (tests or {}).get(channel, {}).get(variable, {}).get(method)
                _describe(axes[row, number], style.method(method) if not number else "", tested)
            for row, beside in enumerate(axes[:, number]):
                _set_horizontal(beside, axis, edges, variable, n_jets, labels=row == len(methods))
        _set_limits(axes, columns, first)
        centre = 0.5 * (edges[1:] + edges[:-1]) if axis is None else 0.5 * (axis.drawn[1:] + axis.drawn[:-1])
        for number, column in enumerate(columns):
            for row, method in enumerate(methods, start=1):
                mark_outside(axes[row, number], centre[first:], column.ratio(method)[0][first:], "black")
        axes[0, 0].set_ylabel("Jets / bin" if variable in RANKS else "Events / bin")
        axes[len(methods) // 2 + 1, 0].set_ylabel("Data / simulation", loc="center", fontsize="small")
        axes[-1, -1].set_xlabel(_horizontal_label(variable, style))
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, right=False)
        experiment_label(axes[0, -1], style, left=False)
        _legend(axes[0, -1], columns[-1], list(jets.simulation.axes["flavour"]), variable, style)
    return made


def _edges(
    jets: PhaseSpaceHistograms,
    events: PhaseSpaceHistograms,
    variable: str,
    n_jets: tuple[int, int],
    columns: Sequence[Content],
) -> tuple[Floats, DiscriminantAxis | None]:
    if variable == "n_jets":
        return np.arange(n_jets[0], n_jets[1] + 2, dtype=np.float64) - 0.5, None
    if variable == "ht":
        return np.asarray(events.data.axes["ht"].edges), None
    edges = np.asarray(jets.data.axes["discriminant"].edges)
    invalid = any(c.data[0] > 0 or c.simulation[NONE][0] != 0 for c in columns)
    axis = DiscriminantAxis(edges, bool(edges[0] < 0 and invalid))
    return axis.drawn, axis


def _draw_stack(axes: Axes, edges: Floats, column: Content, flavours: Sequence[str], style: Style) -> None:
    order = np.argsort(column.stack.sum(axis=1))
    colours = [style.flavour_colour(flavours[i]) for i in order]
    stack: dict[str, Any] = {"stack": True, "histtype": "fill", "flow": "none", "edgecolor": "none", "linewidth": 0}
    mplhep.histplot([column.stack[i] for i in order], edges, ax=axes, color=colours, **stack)
    total, error = column.simulation[NONE], column.error[NONE]
    band(axes, total - error, total + error, edges, _BAND_COLOUR)
    _points(axes, edges, np.where(column.data > 0, column.data, np.nan), column.data_error)


def _draw_ratio(axes: Axes, edges: Floats, column: Content, method: str, style: Style) -> None:
    axes.axhline(1.0, color="0.4", linewidth=1.0)
    if method == _WITH_SHIFTS and column.shifts is not None:
        up, down = (column.relative(method, side) for side in column.shifts)
        colour = _tint(style.colour(method))
        axes.stairs(1 + up, edges, baseline=1 - down, fill=True, facecolor=colour, linewidth=0, zorder=1)
    error = column.relative(method, column.error[method])
    band(axes, 1 - error, 1 + error, edges, _BAND_COLOUR)
    _points(axes, edges, *column.ratio(method))


def _points(axes: Axes, edges: Floats, values: Floats, error: Floats) -> None:
    options: dict[str, Any] = {"histtype": "errorbar", "color": "black", "flow": "none", "markersize": 6.0}
    mplhep.histplot(values, edges, yerr=error, ax=axes, zorder=5, **options)


def _tint(colour: str) -> tuple[float, float, float]:
    red, green, blue = (1.0 - _ENVELOPE_STRENGTH * (1.0 - part) for part in to_rgb(colour))
    return red, green, blue


def _set_limits(axes: Any, columns: Sequence[Content], first: int) -> None:
    highest = max(float(np.max(np.maximum(c.data + c.data_error, c.simulation[NONE]))) for c in columns)
    smallest = np.concatenate([c.stack[np.argmin(c.stack.sum(axis=1)), first:] for c in columns])
    positive = smallest[smallest > 0]
    low = 0.5 * max(float(positive.min()) if len(positive) else 0.1, highest / 10**_LOG_DECADES)
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylim(low, highest * (highest / low) ** _HEAD_ROOM)
    values = [np.array([0.92, 1.08])]
    for column in columns:
        for method in column.simulation:
            ratio, error = (numbers[first:] for numbers in column.ratio(method))
            precise = error < _RATIO_ERROR_MAX
            values += [ratio[precise] - error[precise], ratio[precise] + error[precise]]
    below, above = limits(*values)
    for row in range(1, len(axes)):
        axes[row, 0].set_ylim(below, above + 0.3 * (above - below))
        few_ticks(axes[row, 0])
        axes[row, 0].yaxis.set_minor_locator(NullLocator())


def _set_horizontal(
    axes: Axes,
    axis: DiscriminantAxis | None,
    edges: Floats,
    variable: str,
    n_jets: tuple[int, int],
    *,
    labels: bool,
) -> None:
    if axis is not None:
        axis.apply(axes, labels=labels, max_labels=13, size="x-small")
        return
    axes.set_xlim(edges[0], edges[-1])
    if variable == "n_jets":
        numbers = [float(number) for number in range(n_jets[0], n_jets[1] + 1)]
        texts = [f"$\\geq${number:g}" if number == N_JETS_LAST else f"{number:g}" for number in numbers]
    else:
        axes.set_xscale("log")
        # a label at the end would stick out
        numbers = [tick for tick in _HT_TICKS if edges[0] <= tick < 0.9 * edges[-1]]
        texts = [f"{tick:g}" for tick in numbers]
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_major_formatter(FixedFormatter(texts))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if variable == "n_jets":
        axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelbottom=labels, labelsize="small")


def _horizontal_label(variable: str, style: Style) -> str:
    if variable in RANKS:
        return f"{_JET_LABELS[variable]}: {style.discriminant_label}"
    return "Number of jets" if variable == "n_jets" else "$H_{T}$ [GeV] (last bin open)"


def _n_jets_text(n_jets: tuple[int, int]) -> str:
    first, last = n_jets
    if last >= N_JETS_LAST:
        return f"$\\geq$ {first} jets"
    return f"{first} jets" if first == last else f"{first} to {last} jets"


def _describe(axes: Axes, method: str, tested: Mapping[str, Any] | None) -> None:
    place: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "fontsize": "x-small"}
    if method:
        axes.text(0.03, 0.94, method, **place)
    if tested is not None:
        p = f"= {tested['p']:.1g}" if tested["p"] > _P_MIN else f"< {_P_MIN:g}"
        text = f"$\\chi^{{2}}$/ndf = {tested['chi2']:.0f}/{tested['ndf']}, p {p}"
        axes.text(0.97, 0.94, text, ha="right", **{**place, "fontsize": "xx-small"})


def _legend(axes: Axes, column: Content, flavours: Sequence[str], variable: str, style: Style) -> None:
    order = np.argsort(column.stack.sum(axis=1))[::-1]
    size = mpl.rcParams["font.size"]
    points = axes.errorbar([], [], yerr=[], color="black", marker="o", markersize=0.3 * size, linestyle="none")
    entries: list[tuple[Any, str]] = [(points, "Data")]
    entries += [(Patch(facecolor=style.flavour_colour(flavours[i])), style.flavour(flavours[i])) for i in order]
    entries.append((Patch(facecolor="none", edgecolor=_BAND_COLOUR, linewidth=0, hatch="////"), "Simulation stat."))
    if column.shifts is not None:
        entries.append((Patch(facecolor=_tint(style.colour(_WITH_SHIFTS))), "Binned SF, all shifts"))
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
