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

from analysis.plots.panels import Panel
from analysis.plots.style import (
    DiscriminantAxis,
    Margins,
    Style,
    context,
    drawn_edges,
    experiment_label,
    grid,
    kinematics_text,
    limits,
)
from analysis.tables import Floats

_TAIL = 0.005
"""The vertical range holds all jets of a bin but this share at either end."""
_OUTSIDE_MIN = 0.001
"""Share of jets beyond the histogram of values that a figure mentions."""
_SHADE_MIN = 0.02
"""Shares of a bin's jets, relative to the highest, below which nothing is shaded."""


def figures(panels: Sequence[Panel], style: Style) -> Iterator[tuple[str, Figure]]:
    """Yield the file stem and the figure of every panel."""
    for panel in panels:
        yield panel.stem, figure(panel, style)


def figure(panel: Panel, style: Style) -> Figure:
    """Return scale factors against the discriminant in one (pT, |eta|) bin, and their ratio to the binned ones."""
    with context():
        made, axes = grid([6.4, 2.4], [8.3], Margins(bottom=1.35), sharex=True)
        main, ratio = axes[:, 0]
        axis = axis_of([panel])
        low, high = value_range([panel])
        axis.apply(main, labels=False)
        main.set_ylim(low, high + 0.6 * (high - low))
        draw(main, panel, style)
        main.set_ylabel("Scale factor")
        _legend(main, panel, style)
        text = kinematics_text(panel.pt_gev, panel.abseta, last_pt=panel.last_pt, separator=", ")
        main.text(0.03, 0.965, f"{style.flavour(panel.flavour)}, {text}", transform=main.transAxes, va="top", fontsize="small")
        if panel.share_outside > _OUTSIDE_MIN:
            low, high = panel.value_edges[[0, -1]]
            note = f"{100 * panel.share_outside:.2g} % of the jets lie outside {low:g} to {high:g}"
            main.text(0.97, 0.03, note, transform=main.transAxes, ha="right", fontsize="xx-small")
        experiment_label(main, style)
        _draw_ratio(ratio, panel, style)
        axis.apply(ratio)
        ratio.set_xlabel(style.discriminant_label)
        made.align_ylabels([main, ratio])
    return made


def overview(panels: Sequence[Panel], style: Style) -> Figure:
    """Return all (pT, |eta|) bins of one flavour in one figure: the bins of |eta| in rows, of pT in columns.

    With a single |eta| bin, the pT bins run over rows of three.
    """
    n_abseta = len({panel.abseta for panel in panels})
    ordered = sorted(panels, key=lambda p: (p.abseta, p.pt_gev))
    columns = len(panels) // n_abseta if n_abseta > 1 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    with context(0.85):
        margins = Margins(left=1.2, bottom=2.15, top=0.55, between_columns=0.25)
        made, placed = grid([3.9] * rows, [4.6] * columns, margins, sharex=True, sharey="row")
        axis = axis_of(panels)
        for row, axes_of_row in enumerate(placed):
            shown = ordered[row * columns : (row + 1) * columns]
            low, high = value_range(shown)
            axes_of_row[0].set_ylabel("Scale factor")
            axes_of_row[0].set_ylim(low, high + 0.3 * (high - low))
            for axes, panel in zip(axes_of_row, shown, strict=False):
                last_of_column = (row + 1) * columns + len(axes_of_row) - columns >= len(ordered) or row == rows - 1
                _draw_compact(axes, panel, style, axis, labels=last_of_column)
            for axes in axes_of_row[len(shown) :]:
                axes.set_axis_off()
        placed[-1, -1].set_xlabel(style.discriminant_label)
        experiment_label(placed[0, 0], style, right=False)
        experiment_label(placed[0, -1], style, left=False)
        handles = [(handle, label.replace("\n", " ")) for handle, label in handles_of(ordered[0], style)]
        made.legend(*zip(*handles, strict=True), loc="lower center", ncols=min(3, columns), fontsize="small")
    return made


def _draw_compact(axes: Axes, panel: Panel, style: Style, axis: DiscriminantAxis, *, labels: bool) -> None:
    axis.apply(axes, labels=labels, max_labels=8)
    draw(axes, panel, style, compact=True)
    text = kinematics_text(panel.pt_gev, panel.abseta, last_pt=panel.last_pt, separator=", ")
    described = f"{style.flavour(panel.flavour)}\n{text}"
    axes.text(0.03, 0.96, described, transform=axes.transAxes, va="top", fontsize="x-small")


def axis_of(panels: Sequence[Panel]) -> DiscriminantAxis:
    """Return the horizontal axis that panels share; invalid scores have a slot only if there are such jets."""
    invalid = panels[0].edges[0] < 0 and any(panel.n_jets[0] > 0 for panel in panels)
    return DiscriminantAxis(panels[0].edges, bool(invalid))


def value_range(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return limits that hold every point with its error, every curve, and the jets but for their outermost tails."""
    values: list[Floats] = [np.array([0.9, 1.1])]
    for panel in panels:
        first = 0 if axis_of(panels).show_invalid or not panel.edges[0] < 0 else 1
        error = np.nan_to_num(panel.error)
        values += [(panel.binned - error)[first:], (panel.binned + error)[first:], panel.smooth]
        sem = np.nan_to_num(panel.sem)
        values += [(panel.mean - sem)[first:], (panel.mean + sem)[first:], _tails(panel)[first:]]
        values += [curve for curve in (None if panel.truth is None else panel.truth[first:], panel.reference) if curve is not None]
    return limits(*values)


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
    edges, size = drawn_edges(panel.edges), mpl.rcParams["font.size"]
    axes.axhline(1.0, color="0.75", linewidth=1.0, zorder=0)
    _shade(axes, panel, style)
    colour = style.colour("deepsf")
    axes.stairs(
        panel.mean + panel.sem, edges, baseline=panel.mean - panel.sem, fill=False, facecolor="none", edgecolor=colour,
        linewidth=0, hatch="/////" if compact else "////", zorder=3,
    ).set_fill(True)  # fmt: skip
    axes.stairs(panel.mean, edges, baseline=None, color=colour, linewidth=0.08 * size, zorder=4)
    if panel.reference is not None:
        axes.plot(panel.fine, panel.reference, color=style.colour("reference"), linestyle="-.", linewidth=0.08 * size, zorder=4)
    if panel.truth is not None:
        axes.stairs(panel.truth, edges, baseline=None, color=style.colour("truth"), linestyle=(0, (4, 2)), linewidth=0.08 * size, zorder=5)
    axes.plot(panel.fine, panel.smooth, color=style.colour("binned"), linewidth=0.045 * size, zorder=5)
    axes.errorbar(
        panel.node, panel.binned, yerr=panel.error, xerr=(panel.node - edges[:-1], edges[1:] - panel.node),
        color=style.colour("binned"), marker="o", markersize=(0.2 if compact else 0.27) * size, linestyle="none",
        linewidth=0.07 * size, zorder=6,
    )  # fmt: skip


def _shade(axes: Axes, panel: Panel, style: Style) -> None:
    peak = panel.jets.max(axis=1, keepdims=True)
    share = np.divide(panel.jets, peak, out=np.zeros_like(panel.jets), where=peak > 0)
    colour_map = LinearSegmentedColormap.from_list("jets", [_tint(style.colour("deepsf"), t) for t in (0.06, 0.45)])
    axes.pcolormesh(
        drawn_edges(panel.edges), panel.value_edges, np.ma.masked_less(share.T, _SHADE_MIN), cmap=colour_map, vmin=0.0,
        vmax=1.0, rasterized=True, zorder=1,
    )  # fmt: skip


def _tint(colour: str, strength: float) -> tuple[float, ...]:
    return tuple(1.0 - strength * (1.0 - part) for part in to_rgb(colour))


def handles_of(panel: Panel, style: Style) -> list[tuple[Any, str]]:
    """Return the legend's handles and labels."""
    size = mpl.rcParams["font.size"]
    deepsf, binned = style.colour("deepsf"), style.colour("binned")
    entries: list[tuple[Any, str]] = [
        (
            Line2D([], [], color=binned, marker="o", markersize=0.27 * size, linewidth=0.07 * size),
            "Binned SF,\nstat. (event bootstrap)",
        ),
        (Line2D([], [], color=binned, linewidth=0.045 * size), "Binned SF, smoothed\n(PCHIP)"),
        (Line2D([], [], color=deepsf, linewidth=0.08 * size), "DeepSF, mean per bin"),
        (
            Patch(facecolor="none", edgecolor=deepsf, hatch="////", linewidth=0),
            f"SEM of {panel.n_members} trainings\n(training spread only)",
        ),
        (Patch(facecolor=_tint(deepsf, 0.3)), "DeepSF of the probe jets"),
    ]
    if panel.truth is not None:
        dashed = Line2D([], [], color=style.colour("truth"), linestyle=(0, (4, 2)), linewidth=0.08 * size)
        entries.insert(2, (dashed, "Truth, mean per bin"))
    if panel.reference is not None:
        line = Line2D([], [], color=style.colour("reference"), linestyle="-.", linewidth=0.08 * size)
        entries.insert(2, (line, panel.reference_label))
    return entries


def _legend(axes: Axes, panel: Panel, style: Style) -> None:
    axes.legend(
        *zip(*handles_of(panel, style), strict=True), loc="upper left", bbox_to_anchor=(0.0, 0.93), ncols=2, fontsize="x-small",
        columnspacing=1.2, handlelength=1.8, labelspacing=0.35,
    )  # fmt: skip


def _draw_ratio(axes: Axes, panel: Panel, style: Style) -> None:
    edges, colour = drawn_edges(panel.edges), style.colour("deepsf")
    binned = np.where(panel.binned > 0, panel.binned, np.nan)
    mean, sem, error = panel.mean / binned, panel.sem / binned, panel.error / binned
    axes.axhline(1.0, color="0.75", linewidth=1.0, zorder=0)
    axes.stairs(mean + sem, edges, baseline=mean - sem, facecolor="none", edgecolor=colour, linewidth=0, hatch="////", fill=True)
    axes.stairs(mean, edges, baseline=None, color=colour, linewidth=2.0)
    axes.errorbar(
        panel.node, binned / binned, yerr=error, xerr=(panel.node - edges[:-1], edges[1:] - panel.node), marker="o",
        color=style.colour("binned"), markersize=7, linestyle="none", linewidth=1.8,
    )  # fmt: skip
    shown = [mean + sem, mean - sem, 1 + error, 1 - error]
    if panel.truth is not None:
        truth = panel.truth / binned
        axes.stairs(truth, edges, baseline=None, color=style.colour("truth"), linestyle=(0, (4, 2)), linewidth=2.0)
        shown.append(truth)
    first = 0 if axis_of([panel]).show_invalid or not panel.edges[0] < 0 else 1
    axes.set_ylim(*limits(*(values[first:] for values in shown), include=(0.9, 1.1)))
    axes.set_ylabel("Ratio to binned", loc="center", fontsize="small")
