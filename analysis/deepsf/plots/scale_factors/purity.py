"""Maps of what regions consist of, and of how well they tell the measured flavours apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.binned.purity import FlavourPurities
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.scale_factors.names import purity_stem
from deepsf.plots.style import Margins, Style, context, experiment_label, grid, interval_text
from deepsf.probes.entries import Floats

_CONDITION_MAX = 100.0
_NO_SIMULATION = "0.8"
_HEAD_ROOM = 0.12
"""Above the highest bin, for text; a part of the axis."""


def figures(system: FlavourPurities | None, style: Style) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure: the fractions of all flavours in each region, and the condition number.

    Raises
    ------
    ValueError
        If the binned result has no system.
    """
    if system is None:
        raise ValueError("the binned result says nothing of its regions' purity: measure it again")
    for region in system.regions:
        yield purity_stem(region), purity(system, region, style)
    yield purity_stem(None), condition(system, style)


def purity(system: FlavourPurities, region: str, style: Style) -> Figure:
    """Return the fraction of each flavour among a region's probe jets: flavours in columns, |eta| in rows."""
    maps = [[system.purity(region, flavour)[:, j] for flavour in system.flavours] for j in range(_n_abseta(system))]
    texts = [[f"{style.flavour(flavour)}" for flavour in system.flavours]] * len(maps)
    label = f"Fraction of probe jets\n{style.region(region)}"
    return _maps(system, maps, texts, Normalize(0.0, 1.0), "viridis", label, style)


def condition(system: FlavourPurities, style: Style) -> Figure:
    """Return the condition number of the system that is solved for the measured flavours: |eta| in columns."""
    maps = [[system.condition[:, j] for j in range(_n_abseta(system))]]
    norm = LogNorm(1.0, _CONDITION_MAX)
    return _maps(system, maps, [[""] * _n_abseta(system)], norm, "cividis_r", "Condition number", style)


def _n_abseta(system: FlavourPurities) -> int:
    return len(system.bins.abseta) - 1


def _maps(
    system: FlavourPurities,
    maps: Sequence[Sequence[Floats]],
    texts: Sequence[Sequence[str]],
    norm: Normalize,
    colours: str,
    label: str,
    style: Style,
) -> Figure:
    bins = system.bins
    axis = DiscriminantAxis(bins.discriminant, bool(np.isfinite(system.fraction[..., 0]).any()))
    colour_map = _colour_map(colours)
    with context(0.8):
        margins = Margins(left=1.3, right=1.9, bottom=1.45, top=0.6, between_columns=0.25, between_rows=0.25)
        made, placed = grid([3.4] * len(maps), [5.2] * len(maps[0]), margins, sharex=True, sharey=True)
        for row, (values_of_row, texts_of_row) in enumerate(zip(maps, texts, strict=True)):
            for column, (values, text) in enumerate(zip(values_of_row, texts_of_row, strict=True)):
                axes, abseta = placed[row, column], row if len(maps) > 1 else column % _n_abseta(system)
                # beyond the colour bar like all above it
                shown = np.ma.masked_invalid(np.where(np.isposinf(values), 2 * float(norm.vmax or 1.0), values))
                axes.pcolormesh(axis.drawn, _pt_places(bins.pt_gev), shown, norm=norm, cmap=colour_map, rasterized=True)
                axis.apply(axes, labels=row == len(maps) - 1, max_labels=13, size="x-small")
                low, high = bins.abseta[abseta : abseta + 2]
                lines = [text] if text else []
                lines.append(interval_text(r"|$\eta$|", float(low), float(high), open_above=False))
                axes.text(0.03, 0.97, ", ".join(lines), transform=axes.transAxes, va="top", fontsize="x-small")
                _set_pt_axis(axes, bins.pt_gev)
            placed[row, 0].set_ylabel("Jet $p_{T}$ [GeV]")
        placed[-1, -1].set_xlabel(style.discriminant_label)
        experiment_label(placed[0, 0], style, right=False)
        experiment_label(placed[0, -1], style, left=False)
        _colour_bar(made, placed, label)
    return made


def _colour_map(name: str) -> Colormap:
    import matplotlib as mpl

    return mpl.colormaps[name].with_extremes(bad=_NO_SIMULATION)


def _pt_places(pt_gev: Floats) -> Floats:
    """Return where edges are drawn: bins of equal height, since the last one is open."""
    return np.arange(len(pt_gev), dtype=float)


def _set_pt_axis(axes: Axes, pt_gev: Floats) -> None:
    places = _pt_places(pt_gev)
    axes.set_ylim(places[0], places[-1] / (1.0 - _HEAD_ROOM))
    axes.yaxis.set_major_locator(FixedLocator(places[:-1].tolist()))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{edge:g}" for edge in pt_gev[:-1]]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", labelsize="x-small")
    axes.tick_params(direction="out", which="both", top=False, right=False)


def _colour_bar(figure: Figure, placed: Any, label: str) -> None:
    last = placed[-1, -1]
    beside = last.inset_axes((1.04, 0.0, 0.06, 1.0))
    mesh = last.collections[0]
    values = np.concatenate([np.ravel(np.ma.filled(axes.collections[0].get_array(), np.nan)) for axes in placed.flat])
    below, above = bool((values < mesh.norm.vmin).any()), bool((values > mesh.norm.vmax).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    figure.colorbar(mesh, cax=beside, extend=extend[below, above])
    beside.set_ylabel(label, loc="center", fontsize="small")
    beside.tick_params(labelsize="x-small")
