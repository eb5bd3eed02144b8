"""Scale factors against the discriminant, in the (pT, |eta|) bins of the binned scale factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepsf.arrays import Floats
from deepsf.audit.methods import DEEPSF
from deepsf.plots.discriminant_axis import DiscriminantAxis, drawn_edges
from deepsf.plots.layout import (
    Margins,
    band,
    clear_of_below,
    corner_text,
    experiment_label,
    few_ticks,
    grid,
    kinematics_text,
    limits,
    mark_outside,
    steps,
    tint,
)
from deepsf.plots.scale_factors.panels import BinValues, JetValues, Panel
from deepsf.plots.style import Style, context

_TAIL = 0.005
"""The vertical range holds all jets of a bin but this share at either end."""
_OUTSIDE_MIN = 0.001
"""Share of jets beyond the histogram of values that a figure mentions."""
_SHADE_MIN = 0.02
"""Shares of a bin's jets, relative to the highest, below which nothing is shaded."""
_RATIO_ERROR_MAX = 0.5
"""The ratio's range holds values of a smaller relative error; others beyond it are marked by arrows."""
_TRUTH_DASHES = (0, (4, 2))
_SYSTEMATIC_ALPHA = 0.25
"""The envelope lies over the shading of the jets, which stays visible."""
_LEGEND_WIDTH, _HEAD_ROOM = 4.1, 0.1
"""Width beside the axes [inch], and share of the vertical range above all that is drawn, for the text there."""
_MEAN_WIDTH, _CURVE_WIDTH, _POINT_WIDTH = 0.08, 0.045, 0.07
"""Line widths in units of the font size."""


def figure(panel: Panel, style: Style) -> Figure:
    """Return scale factors against the discriminant in one (pT, |eta|) bin, and their ratios to truth or ensemble."""
    with context():
        axis, (low, high) = axis_of([panel]), value_range([panel])
        margins = Margins(right=_LEGEND_WIDTH, bottom=1.65 + axis.room_for_labels())
        made, axes = grid([5.6, 2.6], [8.3], margins, sharex=True)
        main, ratio = axes[:, 0]
        axis.apply(main, labels=False)
        main.set_ylim(low, high + _HEAD_ROOM * (high - low))
        main.set_ylabel("Scale factor")
        clear_of_below(main)
        draw(main, panel, style)
        _describe(main, panel, style)
        experiment_label(main, style)
        _draw_ratio(ratio, panel, style)
        axis.apply(ratio)
        axis.name(ratio, style.discriminant_label)
        below = "DeepSF" if panel.values.truth is None else "truth"
        ratio.set_ylabel(f"Ratio to {below}", loc="center", fontsize="small")
        made.align_ylabels([main, ratio])
    return made


def overview(panels: Sequence[Panel], style: Style) -> Figure:
    """Return all (pT, |eta|) bins of one flavour in one figure: the bins of |eta| in rows, of pT in columns.

    With a single |eta| bin, the pT bins run over rows of three.
    """
    n_abseta = len({panel.bin.abseta for panel in panels})
    ordered = sorted(panels, key=lambda panel: (panel.bin.abseta, panel.bin.pt_gev))
    columns = len(panels) // n_abseta if n_abseta > 1 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    axis = axis_of(panels)
    with context(0.85):
        handles = [(handle, label.replace("\n", " ")) for handle, label in handles_of(ordered, style)]
        legend_columns = min(3, columns)
        legend_rows = -(-len(handles) // legend_columns)
        size, row_height = ("x-small", 0.34) if columns > 2 else ("xx-small", 0.28)
        bottom = 1.5 + row_height * legend_rows + axis.room_for_labels(max_labels=8, size="x-small")
        margins = Margins(left=1.2, bottom=bottom, top=0.55, between_columns=0.25, between_rows=0.2)
        # the legend of a single column needs more than a panel's width
        widths = [5.4 if columns == 1 else 4.6] * columns
        made, placed = grid([3.9] * rows, widths, margins, sharex=True, sharey="row")
        for row, axes_of_row in enumerate(placed):
            shown = ordered[row * columns : (row + 1) * columns]
            low, high = value_range(shown)
            axes_of_row[0].set_ylabel("Scale factor")
            axes_of_row[0].set_ylim(low, high + 0.3 * (high - low))
            clear_of_below(axes_of_row[0])
            for column, (axes, panel) in enumerate(zip(axes_of_row, shown, strict=False)):
                lowest = (row + 1) * columns + column >= len(ordered)
                axis.apply(axes, labels=lowest, max_labels=8, size="x-small")
                draw(axes, panel, style, compact=True)
                corner_text(axes, f"{style.flavour(panel.flavour)}\n{kinematics_text(*panel.bin)}", size="x-small")
            for axes in axes_of_row[len(shown) :]:
                axes.set_axis_off()
        axis.name(placed[-1, (len(ordered) - 1) % columns], style.discriminant_label)
        experiment_label(placed[0, 0], style, placed[0, -1])
        made.legend(*zip(*handles, strict=True), loc="lower center", ncols=legend_columns, fontsize=size)
    return made


def axis_of(panels: Sequence[Panel]) -> DiscriminantAxis:
    """Return the horizontal axis that panels share; invalid scores have a slot only if there are such jets."""
    invalid = panels[0].edges[0] < 0 and any(panel.jets.n_jets[0] > 0 for panel in panels)
    return DiscriminantAxis(panels[0].edges, bool(invalid))


def value_range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return limits that hold every point with its error, every curve, and the jets but for their outermost tails."""
    values: list[Floats] = [np.array([0.9, 1.1])]
    first = axis_of(panels).first_shown
    for panel in panels:
        by_bin = [*panel.values.shown(), panel.jets.central_range(_TAIL)]
        values += [*(numbers[first:] for numbers in by_bin), panel.smooth]
        values += [] if panel.reference is None else [panel.reference.values]
    return limits(*values)


def draw(axes: Axes, panel: Panel, style: Style, *, compact: bool = False) -> None:
    """Draw everything but legend and text of one panel."""
    size, edges = mpl.rcParams["font.size"], drawn_edges(panel.edges)
    _shade(axes, edges, panel.jets, style)
    _draw_values(axes, panel, panel.values, style, marker_size=(0.2 if compact else 0.27) * size)
    if panel.reference is not None:
        colour = style.colour("reference")
        axes.plot(
            panel.fine, panel.reference.values, color=colour, linestyle="-.", linewidth=_MEAN_WIDTH * size, zorder=4
        )
    axes.plot(panel.fine, panel.smooth, color=style.colour("binned"), linewidth=_CURVE_WIDTH * size, zorder=5)


def _draw_values(axes: Axes, panel: Panel, values: BinValues, style: Style, *, marker_size: float) -> None:
    size, edges = mpl.rcParams["font.size"], drawn_edges(panel.edges)
    wide, thin = _MEAN_WIDTH * size, _CURVE_WIDTH * size
    binned, deepsf = style.colour("binned"), style.colour("deepsf")
    axes.axhline(1.0, color="0.75", linewidth=1.0, zorder=0)
    if values.systematic is not None:
        low, high = values.systematic
        options: dict[str, Any] = {"fill": True, "facecolor": binned, "alpha": _SYSTEMATIC_ALPHA, "linewidth": 0}
        axes.stairs(high, edges, baseline=low, zorder=2, **options)
    band(axes, values.mean - values.mean_error, values.mean + values.mean_error, edges, deepsf)
    steps(axes, values.mean, edges, color=deepsf, linewidth=wide, zorder=4)
    for method, means in values.other.items():
        steps(axes, means, edges, color=style.colour(method), linewidth=thin, zorder=4)
    if values.truth is not None:
        colour = style.colour("truth")
        steps(axes, values.truth, edges, color=colour, linestyle=_TRUTH_DASHES, linewidth=wide, zorder=5)
    axes.errorbar(
        panel.node,
        values.binned,
        yerr=values.error,
        xerr=(panel.node - edges[:-1], edges[1:] - panel.node),
        color=binned,
        marker="o",
        markersize=marker_size,
        linestyle="none",
        linewidth=_POINT_WIDTH * size,
        zorder=6,
    )


def _shade(axes: Axes, edges: Floats, jets: JetValues, style: Style) -> None:
    peak = jets.counts.max(axis=1, keepdims=True)
    share = np.divide(jets.counts, peak, out=np.zeros_like(jets.counts), where=peak > 0)
    colours = LinearSegmentedColormap.from_list("jets", [tint(style.colour("deepsf"), t) for t in (0.06, 0.45)])
    shown = np.ma.masked_less(share.T, _SHADE_MIN)
    # rasterised: thousands of cells would make the PDF large and slow
    axes.pcolormesh(edges, jets.edges, shown, cmap=colours, vmin=0.0, vmax=1.0, rasterized=True, zorder=1)


def handles_of(panels: Sequence[Panel], style: Style) -> list[tuple[Any, str]]:
    """Return the handles and labels of the legend that panels share; every uncertainty is named."""
    values = panels[0].values
    size = mpl.rcParams["font.size"]
    wide, thin, marked = _MEAN_WIDTH * size, _CURVE_WIDTH * size, _POINT_WIDTH * size
    deepsf, binned = style.colour("deepsf"), style.colour("binned")
    points = Line2D([], [], color=binned, marker="o", markersize=0.27 * size, linewidth=marked)
    entries: list[tuple[Any, str]] = [
        (points, "Binned SF,\nstat. (event bootstrap)"),
        (Line2D([], [], color=binned, linewidth=thin), "Binned SF, smoothed\n(PCHIP)"),
    ]
    if values.systematic is not None:
        patch = Patch(facecolor=binned, alpha=_SYSTEMATIC_ALPHA, linewidth=0)
        entries.append((patch, "Binned SF,\nsyst. envelope"))
    if (reference := panels[0].reference) is not None:
        line = Line2D([], [], color=style.colour("reference"), linestyle="-.", linewidth=wide)
        entries.append((line, reference.label))
    if values.truth is not None:
        dashed = Line2D([], [], color=style.colour("truth"), linestyle=_TRUTH_DASHES, linewidth=wide)
        entries.append((dashed, "Truth, mean per bin"))
    entries += [
        (Line2D([], [], color=style.colour(method), linewidth=thin), _mean_per_bin(method, style))
        for method in values.other
    ]
    entries.append(
        (Line2D([], [], color=deepsf, linewidth=wide), f"DeepSF, mean per bin\n({_trainings(panels, style)})")
    )
    if any(np.isfinite(panel.values.mean_error).any() for panel in panels):
        entries.append((Patch(facecolor="none", edgecolor=deepsf, hatch="////", linewidth=0), style.error_label()))
    return [*entries, (Patch(facecolor=tint(deepsf, 0.3)), "DeepSF of the probe jets")]


def _mean_per_bin(method: str, style: Style) -> str:
    note = style.members_line(method).replace(", ", ",\n")
    return f"{style.plain_method(method)},\nmean per bin{note}"


def _trainings(panels: Sequence[Panel], style: Style) -> str:
    """Return what the ensemble's mean is taken over; of one bin with its standard error, too small to draw."""
    parts = style.members.split(", ") if style.members else [f"{panels[0].n_members} trainings"]
    if len(panels) == 1 and np.isfinite(panels[0].sem):
        parts.append(f"SEM {panels[0].sem:.1g}")
    return (",\n" if style.members else ", ").join(parts)


def _describe(axes: Axes, panel: Panel, style: Style) -> None:
    corner_text(axes, f"{style.flavour(panel.flavour)}, {kinematics_text(*panel.bin)}")
    axes.legend(
        *zip(*handles_of([panel], style), strict=True),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        fontsize="x-small",
        handlelength=1.8,
        labelspacing=0.6,
    )
    if panel.jets.share_outside > _OUTSIDE_MIN:
        low, high = panel.jets.edges[[0, -1]]
        note = f"{100 * panel.jets.share_outside:.2g} % of the jets lie outside {low:g} to {high:g}"
        axes.text(0.97, 0.03, note, transform=axes.transAxes, ha="right", fontsize="xx-small")


def _draw_ratio(axes: Axes, panel: Panel, style: Style) -> None:
    ratios, first = panel.values.ratios(), axis_of([panel]).first_shown
    _draw_values(axes, panel, ratios, style, marker_size=0.27 * mpl.rcParams["font.size"])
    axes.set_ylim(*limits(*(v[first:] for v in ratios.precise(_RATIO_ERROR_MAX).shown()), include=(0.9, 1.1)))
    few_ticks(axes)
    edges = drawn_edges(panel.edges)
    centre = 0.5 * (edges[1:] + edges[:-1])
    for method, values in {**ratios.other, DEEPSF: ratios.mean}.items():
        mark_outside(axes, centre[first:], values[first:], style.colour(method))
    mark_outside(axes, panel.node[first:], ratios.binned[first:], style.colour("binned"))
