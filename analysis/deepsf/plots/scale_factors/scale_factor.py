"""Scale factors against the discriminant, in the (pT, |eta|) bins of the binned scale factor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepsf.plots.discriminant_axis import DiscriminantAxis, drawn_edges
from deepsf.plots.scale_factors.panels import Panel
from deepsf.plots.style import (
    Margins,
    Style,
    band,
    context,
    corner_text,
    experiment_label,
    few_ticks,
    grid,
    kinematics_text,
    limits,
    steps,
)
from deepsf.probes.entries import Floats

_TAIL = 0.005
"""The vertical range holds all jets of a bin but this share at either end."""
_OUTSIDE_MIN = 0.001
"""Share of jets beyond the histogram of values that a figure mentions."""
_SHADE_MIN = 0.02
"""Shares of a bin's jets, relative to the highest, below which nothing is shaded."""
_TRUTH_DASHES = (0, (4, 2))
_SYSTEMATIC_ALPHA = 0.25
"""The envelope lies over the shading of the jets, which stays visible."""
_MEAN_WIDTH, _CURVE_WIDTH, _POINT_WIDTH = 0.08, 0.045, 0.07
"""Line widths in units of the font size."""


def figures(panels: Sequence[Panel], style: Style) -> Iterator[tuple[str, Figure]]:
    """Yield the file stem and the figure of every panel."""
    for panel in panels:
        yield panel.stem, figure(panel, style)


def figure(panel: Panel, style: Style) -> Figure:
    """Return scale factors against the discriminant in one (pT, |eta|) bin, and their ratio to the binned ones."""
    with context():
        made, axes = grid([6.4, 2.4], [8.3], Margins(bottom=1.35), sharex=True)
        main, ratio = axes[:, 0]
        axis, (low, high) = axis_of([panel]), value_range([panel])
        axis.apply(main, labels=False)
        # the legend's rows; labels of further methods have two lines
        room = (0.65 if len(handles_of(panel, style)) < 7 else 0.85) + 0.15 * len(panel.further)
        main.set_ylim(low, high + room * (high - low))
        main.set_ylabel("Scale factor")
        draw(main, panel, style)
        _describe(main, panel, style)
        experiment_label(main, style)
        _draw_ratio(ratio, panel, style)
        axis.apply(ratio)
        ratio.set_xlabel(style.discriminant_label)
        ratio.set_ylabel("Ratio to binned", loc="center", fontsize="small")
        made.align_ylabels([main, ratio])
    return made


def overview(panels: Sequence[Panel], style: Style) -> Figure:
    """Return all (pT, |eta|) bins of one flavour in one figure: the bins of |eta| in rows, of pT in columns.

    With a single |eta| bin, the pT bins run over rows of three.
    """
    n_abseta = len({panel.abseta for panel in panels})
    ordered = sorted(panels, key=lambda panel: (panel.abseta, panel.pt_gev))
    columns = len(panels) // n_abseta if n_abseta > 1 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    axis = axis_of(panels)
    with context(0.85):
        handles = [(handle, label.replace("\n", " ")) for handle, label in handles_of(ordered[0], style)]
        legend_columns = min(3, columns)
        legend_rows = -(-len(handles) // legend_columns)
        margins = Margins(left=1.2, bottom=1.45 + 0.36 * legend_rows, top=0.55, between_columns=0.25)
        made, placed = grid([3.9] * rows, [4.6] * columns, margins, sharex=True, sharey="row")
        for row, axes_of_row in enumerate(placed):
            shown = ordered[row * columns : (row + 1) * columns]
            low, high = value_range(shown)
            axes_of_row[0].set_ylabel("Scale factor")
            axes_of_row[0].set_ylim(low, high + 0.3 * (high - low))
            for column, (axes, panel) in enumerate(zip(axes_of_row, shown, strict=False)):
                lowest = (row + 1) * columns + column >= len(ordered)
                axis.apply(axes, labels=lowest, max_labels=8, size="x-small")
                draw(axes, panel, style, compact=True)
                corner_text(axes, f"{style.flavour(panel.flavour)}\n{_kinematics(panel)}", size="x-small")
            for axes in axes_of_row[len(shown) :]:
                axes.set_axis_off()
        placed[-1, (len(ordered) - 1) % columns].set_xlabel(style.discriminant_label)
        experiment_label(placed[0, 0], style, right=False)
        experiment_label(placed[0, -1], style, left=False)
        size = "small" if columns > 2 else "xx-small"
        made.legend(*zip(*handles, strict=True), loc="lower center", ncols=legend_columns, fontsize=size)
    return made


def axis_of(panels: Sequence[Panel]) -> DiscriminantAxis:
    """Return the horizontal axis that panels share; invalid scores have a slot only if there are such jets."""
    invalid = panels[0].edges[0] < 0 and any(panel.n_jets[0] > 0 for panel in panels)
    return DiscriminantAxis(panels[0].edges, bool(invalid))


def value_range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return limits that hold every point with its error, every curve, and the jets but for their outermost tails."""
    values: list[Floats] = [np.array([0.9, 1.1])]
    first = axis_of(panels).first_shown
    for panel in panels:
        error, sem = np.nan_to_num(panel.error), np.nan_to_num(panel.sem)
        by_bin = [panel.binned - error, panel.binned + error, panel.mean - sem, panel.mean + sem, _tails(panel)]
        by_bin += [] if panel.truth is None else [panel.truth]
        by_bin += panel.further.values()
        by_bin += _systematic_range(panel)
        values += [*(numbers[first:] for numbers in by_bin), panel.smooth]
        values += [] if panel.reference is None else [panel.reference]
    return limits(*values)


def _systematic_range(panel: Panel) -> list[Floats]:
    """Return lower and upper end of the systematic envelope, nothing if there is none."""
    if panel.systematic is None:
        return []
    return [panel.binned - panel.systematic.down, panel.binned + panel.systematic.up]


def _tails(panel: Panel) -> Floats:
    """Return the range of values in each bin without the outermost tails, shape ``(n, 2)``."""
    total = panel.jets.sum(axis=1, keepdims=True)
    share = np.divide(np.cumsum(panel.jets, axis=1), total, out=np.zeros_like(panel.jets), where=total > 0)
    low = panel.value_edges[np.argmax(share > _TAIL, axis=1)]
    high = panel.value_edges[np.argmax(share >= 1 - _TAIL, axis=1) + 1]
    empty = total[:, 0] == 0
    return np.stack([np.where(empty, np.nan, low), np.where(empty, np.nan, high)], axis=1)


def draw(axes: Axes, panel: Panel, style: Style, *, compact: bool = False) -> None:
    """Draw everything but legend and text of one panel."""
    size = mpl.rcParams["font.size"]
    axes.axhline(1.0, color="0.75", linewidth=1.0, zorder=0)
    _shade(axes, panel, style)
    _draw_systematic(axes, panel, _systematic_range(panel), style)
    _draw_mean(axes, panel, panel.mean, panel.sem, style)
    for method, means in panel.further.items():
        _draw_further(axes, panel, means, method, style)
    if panel.reference is not None:
        colour = style.colour("reference")
        axes.plot(panel.fine, panel.reference, color=colour, linestyle="-.", linewidth=_MEAN_WIDTH * size, zorder=4)
    if panel.truth is not None:
        _draw_truth(axes, panel, panel.truth, style)
    colour = style.colour("binned")
    axes.plot(panel.fine, panel.smooth, color=colour, linewidth=_CURVE_WIDTH * size, zorder=5)
    _draw_binned(axes, panel, panel.binned, panel.error, style, marker_size=(0.2 if compact else 0.27) * size)


def _draw_mean(axes: Axes, panel: Panel, mean: Floats, sem: Floats, style: Style) -> None:
    edges, colour = drawn_edges(panel.edges), style.colour("deepsf")
    band(axes, mean - sem, mean + sem, edges, colour)
    steps(axes, mean, edges, color=colour, linewidth=_MEAN_WIDTH * mpl.rcParams["font.size"], zorder=4)


def _draw_further(axes: Axes, panel: Panel, means: Floats, method: str, style: Style) -> None:
    width = _CURVE_WIDTH * mpl.rcParams["font.size"]
    steps(axes, means, drawn_edges(panel.edges), color=style.colour(method), linewidth=width, zorder=4)


def _draw_systematic(axes: Axes, panel: Panel, ends: Sequence[Floats], style: Style) -> None:
    if ends:
        low, high = ends
        options: dict[str, Any] = {"fill": True, "facecolor": style.colour("binned"), "alpha": _SYSTEMATIC_ALPHA}
        axes.stairs(high, drawn_edges(panel.edges), baseline=low, linewidth=0, zorder=2, **options)


def _draw_truth(axes: Axes, panel: Panel, truth: Floats, style: Style) -> None:
    width = _MEAN_WIDTH * mpl.rcParams["font.size"]
    edges, colour = drawn_edges(panel.edges), style.colour("truth")
    steps(axes, truth, edges, color=colour, linestyle=_TRUTH_DASHES, linewidth=width, zorder=5)


def _draw_binned(axes: Axes, panel: Panel, values: Floats, error: Floats, style: Style, *, marker_size: float) -> None:
    edges = drawn_edges(panel.edges)
    axes.errorbar(
        panel.node,
        values,
        yerr=error,
        xerr=(panel.node - edges[:-1], edges[1:] - panel.node),
        color=style.colour("binned"),
        marker="o",
        markersize=marker_size,
        linestyle="none",
        linewidth=_POINT_WIDTH * mpl.rcParams["font.size"],
        zorder=6,
    )


def _shade(axes: Axes, panel: Panel, style: Style) -> None:
    peak = panel.jets.max(axis=1, keepdims=True)
    share = np.divide(panel.jets, peak, out=np.zeros_like(panel.jets), where=peak > 0)
    colours = LinearSegmentedColormap.from_list("jets", [_tint(style.colour("deepsf"), t) for t in (0.06, 0.45)])
    shown = np.ma.masked_less(share.T, _SHADE_MIN)
    # rasterised: thousands of cells would make the PDF large and slow
    axes.pcolormesh(
        drawn_edges(panel.edges), panel.value_edges, shown, cmap=colours, vmin=0.0, vmax=1.0, rasterized=True, zorder=1
    )


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = (1.0 - strength * (1.0 - part) for part in to_rgb(colour))
    return red, green, blue


def handles_of(panel: Panel, style: Style) -> list[tuple[Any, str]]:
    """Return the legend's handles and labels; every uncertainty is named."""
    size = mpl.rcParams["font.size"]
    wide, thin, marked = _MEAN_WIDTH * size, _CURVE_WIDTH * size, _POINT_WIDTH * size
    deepsf, binned = style.colour("deepsf"), style.colour("binned")
    points = Line2D([], [], color=binned, marker="o", markersize=0.27 * size, linewidth=marked)
    hatched = Patch(facecolor="none", edgecolor=deepsf, hatch="////", linewidth=0)
    entries: list[tuple[Any, str]] = [
        (points, "Binned SF,\nstat. (event bootstrap)"),
        (Line2D([], [], color=binned, linewidth=thin), "Binned SF, smoothed\n(PCHIP)"),
    ]
    if panel.systematic is not None:
        patch = Patch(facecolor=binned, alpha=_SYSTEMATIC_ALPHA, linewidth=0)
        entries.append((patch, "Binned SF,\nsyst. envelope"))
    if panel.reference is not None:
        line = Line2D([], [], color=style.colour("reference"), linestyle="-.", linewidth=wide)
        entries.append((line, panel.reference_label))
    if panel.truth is not None:
        dashed = Line2D([], [], color=style.colour("truth"), linestyle=_TRUTH_DASHES, linewidth=wide)
        entries.append((dashed, "Truth, mean per bin"))
    entries += [
        (Line2D([], [], color=style.colour(method), linewidth=thin), f"{style.method(method)},\nmean per bin")
        for method in panel.further
    ]
    return [
        *entries,
        (Line2D([], [], color=deepsf, linewidth=wide), "DeepSF, mean per bin" + style.members_line()),
        (hatched, f"SEM of {panel.n_members} trainings\n(training spread only)"),
        (Patch(facecolor=_tint(deepsf, 0.3)), "DeepSF of the probe jets"),
    ]


def _kinematics(panel: Panel) -> str:
    return kinematics_text(panel.pt_gev, panel.abseta, last_pt=panel.last_pt)


def _describe(axes: Axes, panel: Panel, style: Style) -> None:
    corner_text(axes, f"{style.flavour(panel.flavour)}, {_kinematics(panel)}", size="small")
    axes.legend(
        *zip(*handles_of(panel, style), strict=True),
        loc="upper left",
        bbox_to_anchor=(0.0, 0.93),
        ncols=2,
        fontsize="x-small",
        columnspacing=1.2,
        handlelength=1.8,
        labelspacing=0.35,
    )
    if panel.share_outside > _OUTSIDE_MIN:
        low, high = panel.value_edges[[0, -1]]
        note = f"{100 * panel.share_outside:.2g} % of the jets lie outside {low:g} to {high:g}"
        axes.text(0.97, 0.03, note, transform=axes.transAxes, ha="right", fontsize="xx-small")


def _draw_ratio(axes: Axes, panel: Panel, style: Style) -> None:
    binned = np.where(panel.binned > 0, panel.binned, np.nan)
    mean, sem, error = panel.mean / binned, panel.sem / binned, panel.error / binned
    unity = binned / binned
    systematic = [end / binned for end in _systematic_range(panel)]
    axes.axhline(1.0, color="0.75", linewidth=1.0, zorder=0)
    _draw_systematic(axes, panel, systematic, style)
    _draw_mean(axes, panel, mean, sem, style)
    _draw_binned(axes, panel, unity, error, style, marker_size=0.27 * mpl.rcParams["font.size"])
    shown = [mean + sem, mean - sem, mean, unity + error, unity - error, *systematic]
    if panel.truth is not None:
        _draw_truth(axes, panel, panel.truth / binned, style)
        shown.append(panel.truth / binned)
    for method, means in panel.further.items():
        _draw_further(axes, panel, means / binned, method, style)
        shown.append(means / binned)
    first = axis_of([panel]).first_shown
    axes.set_ylim(*limits(*(values[first:] for values in shown), include=(0.9, 1.1)))
    few_ticks(axes)
