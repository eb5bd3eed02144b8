"""Where things stand in figures: axes of given size, labels above them, ranges, bands, arrows, colour bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from deepsf.arrays import Floats
from deepsf.plots.style import Style


@dataclass(frozen=True)
class Margins:
    """Room around and between the axes of a figure, in inches."""

    left: float = 1.45
    right: float = 0.25
    bottom: float = 1.1
    top: float = 0.6
    between_columns: float = 0.0
    between_rows: float = 0.0


def grid(
    rows: Sequence[float], columns: Sequence[float], margins: Margins, *, sharex: Any = False, sharey: Any = False
) -> tuple[Figure, Any]:
    """Return a figure and its axes, an array of shape (n_rows, n_columns).

    Parameters
    ----------
    rows, columns
        Heights and widths of the axes [inch]. The figure's size follows: no layout engine moves axes about.
    """
    width = margins.left + sum(columns) + (len(columns) - 1) * margins.between_columns + margins.right
    height = margins.bottom + sum(rows) + (len(rows) - 1) * margins.between_rows + margins.top
    figure = Figure(figsize=(width, height))
    placed = figure.add_gridspec(
        len(rows),
        len(columns),
        width_ratios=columns,
        height_ratios=rows,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.between_columns * len(columns) / sum(columns),
        hspace=margins.between_rows * len(rows) / sum(rows),
    )
    return figure, placed.subplots(sharex=sharex, sharey=sharey, squeeze=False)


def experiment_label(axes: Axes, style: Style, last: Axes | None = None) -> None:
    """Write the experiment's name and label above the axes at the left, luminosity and energy at the right.

    Parameters
    ----------
    last
        The axes furthest to the right, if there are several.
    """
    size = mpl.rcParams["font.size"]
    # its adjustment for offset texts would draw the figure once more, and open one of pyplot's
    mplhep.label.exp_text(
        exp=style.experiment, text=style.label, loc=0, ax=axes, fontsize=0.9 * size, scilocator_adjust=False
    )
    if style.conditions:
        last = last or axes
        last.text(1.0, 1.005, style.conditions, transform=last.transAxes, ha="right", va="bottom", fontsize=0.8 * size)


def interval_text(symbol: str, low: float, high: float, *, open_above: bool, unit: str = "") -> str:
    """Return a bin in words: ``20 < pT < 30 GeV``."""
    after = f" {unit}" if unit else ""
    if open_above:
        return f"{symbol} > {low:g}{after}"
    return f"{symbol} < {high:g}{after}" if low == 0 else f"{low:g} < {symbol} < {high:g}{after}"


def kinematics_text(pt_gev: tuple[float, float], abseta: tuple[float, float], is_last_pt: bool) -> str:
    """Return a (pT, |eta|) bin in words; the last pT bin is open upwards."""
    pt = interval_text("$p_{T}$", *pt_gev, open_above=is_last_pt, unit="GeV")
    return pt + ", " + interval_text(r"|$\eta$|", *abseta, open_above=False)


def limits(*values: Floats, margin: float = 0.06, include: Sequence[float] = ()) -> tuple[float, float]:
    """Return limits that hold all finite values, with a margin; NaN is left out."""
    everything = np.concatenate([*(np.ravel(v) for v in values), np.asarray(include, float)])
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        return 0.0, 2.0
    low, high = float(finite.min()), float(finite.max())
    room = margin * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def band(axes: Axes, low: Floats, high: Floats, edges: Floats, colour: str) -> None:
    """Hatch the range between two histograms."""
    axes.stairs(
        high, edges, baseline=low, fill=True, facecolor="none", edgecolor=colour, linewidth=0, hatch="////", zorder=3
    )


def steps(axes: Axes, values: Floats, edges: Floats, **options: Any) -> None:
    """Draw a histogram's outline without lines down to zero; NaN leaves a gap."""
    axes.stairs(values, edges, baseline=None, **options)


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """Return a colour mixed with white; of strength 1 it stays as it is."""
    red, green, blue = (1.0 - strength * (1.0 - part) for part in mpl.colors.to_rgb(colour))
    return red, green, blue


def corner_text(axes: Axes, text: str, *, size: str = "small", clear: bool = False, top: float = 0.965) -> None:
    """Write into the upper left corner of the axes, clear of their ticks.

    Parameters
    ----------
    clear
        Over a white box, which hides bands and maps but no points.
    top
        Where the text begins, as a fraction of the axes' height.
    """
    box = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "boxstyle": "square,pad=0.15"} if clear else None
    from_edge = mpl.rcParams["ytick.major.size"] + 0.25 * mpl.rcParams["font.size"]
    place: dict[str, Any] = {"xytext": (from_edge, 0.0), "textcoords": "offset points", "va": "top", "zorder": 4}
    axes.annotate(text, (0.0, top), xycoords="axes fraction", fontsize=size, linespacing=1.3, bbox=box, **place)


def few_ticks(axes: Axes) -> None:
    """Label a low panel sparsely, and not at its top, where the panel above has labels; call it after the limits."""
    low, high = axes.get_ylim()
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick < high - 0.08 * (high - low)]))


def clear_of_below(axes: Axes) -> None:
    """Leave out ticks at the bottom, where a panel below has the label of its top; call it after the limits."""
    low, high = axes.get_ylim()
    ticks = np.asarray(axes.yaxis.get_major_locator().tick_values(low, high), np.float64)
    scale = axes.yaxis.get_transform()
    bottom, top = scale.transform(np.array([low, high]))
    heights = (scale.transform(ticks) - bottom) / (top - bottom)
    axes.yaxis.set_major_locator(FixedLocator(ticks[(heights > 0.04) & (heights < 1.0 + 1e-9)].tolist()))


def mark_outside(axes: Axes, x: Floats, y: Floats, colour: str) -> None:
    """Draw an arrow at the border for every point beyond the limits of the vertical axis."""
    low, high = axes.get_ylim()
    for outside, edge, marker in ((y > high, 0.97, "^"), (y < low, 0.03, "v")):
        if np.any(outside):
            height = np.full(int(np.sum(outside)), edge)
            arrows = axes.plot(x[outside], height, marker, color=colour, transform=axes.get_xaxis_transform())
            arrows[0].set_markersize(0.4 * mpl.rcParams["font.size"])


def colour_bar(figure: Figure, panels: Sequence[Axes], label: str) -> None:
    """Draw the colour bar of maps that share their colours beside the last one; pointed where values lie beyond."""
    beside = panels[-1].inset_axes((1.04, 0.0, 0.06, 1.0))
    mesh = panels[-1].collections[0]
    arrays: list[Any] = [axes.collections[0].get_array() for axes in panels]
    values = np.concatenate([np.ravel(np.ma.filled(array, np.nan)) for array in arrays])
    below, above = bool((values < mesh.norm.vmin).any()), bool((values > mesh.norm.vmax).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    figure.colorbar(mesh, cax=beside, extend=extend[below, above])
    beside.set_ylabel(label, loc="center", fontsize="small")
    beside.tick_params(labelsize="x-small")
