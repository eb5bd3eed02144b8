"""Maps of what regions consist of, and of how well they tell the measured flavours apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.binned.purity import FlavourPurities
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.plots.discriminant_axis import DiscriminantAxis
from deepsf.plots.layout import Margins, colour_bar, corner_text, experiment_label, grid, interval_text
from deepsf.plots.style import Style, context

_CONDITION_MAX = 100.0
_NO_SIMULATION = "0.8"
_HEAD_ROOM = 0.12
"""Above the highest bin, for text; a part of the axis."""


def purities_of(binned: BinnedScaleFactor) -> FlavourPurities:
    """Return the purities of all regions.

    Raises
    ------
    ValueError
        If the binned result has none.
    """
    if binned.purities is None:
        raise ValueError("the binned result says nothing of its regions' purity: measure it again")
    return binned.purities


def purity(purities: FlavourPurities, region: str, style: Style) -> Figure:
    """Return the fraction of each flavour among a region's probe jets: flavours in columns, |eta| in rows."""
    rows = [
        [(f"{style.flavour(name)}, {text}", purities.purity(region, name)[:, j]) for name in purities.flavours]
        for j, text in enumerate(_abseta_texts(purities))
    ]
    label = f"Fraction of probe jets\n{style.region(region)}"
    return _maps(purities, rows, Normalize(0.0, 1.0), "viridis", label, style)


def condition(purities: FlavourPurities, style: Style) -> Figure:
    """Return the condition number of the equations that are solved for the measured flavours: |eta| in columns."""
    row = [(text, purities.condition[:, j]) for j, text in enumerate(_abseta_texts(purities))]
    return _maps(purities, [row], LogNorm(1.0, _CONDITION_MAX), "cividis_r", "Condition number", style)


def _abseta_texts(purities: FlavourPurities) -> list[str]:
    edges = pairwise(purities.bins.abseta.tolist())
    return [interval_text(r"|$\eta$|", low, high, open_above=False) for low, high in edges]


def _maps(
    purities: FlavourPurities,
    rows: Sequence[Sequence[tuple[str, Floats]]],
    norm: Normalize,
    colours: str,
    label: str,
    style: Style,
) -> Figure:
    """Return maps in pT and discriminant, each given by its text and values."""
    bins = purities.bins
    axis = DiscriminantAxis(bins.discriminant, bool(np.isfinite(purities.fraction[..., 0]).any()))
    colour_map = mpl.colormaps[colours].with_extremes(bad=_NO_SIMULATION)
    with context(0.8):
        bottom = 1.45 + axis.room_for_labels(max_labels=13, size="x-small")
        margins = Margins(left=1.3, right=1.9, bottom=bottom, top=0.6, between_columns=0.25, between_rows=0.25)
        made, placed = grid([3.4] * len(rows), [5.2] * len(rows[0]), margins, sharex=True, sharey=True)
        for axes_of_row, row in zip(placed, rows, strict=True):
            for axes, (text, values) in zip(axes_of_row, row, strict=True):
                shown = np.ma.masked_invalid(values)
                axes.pcolormesh(axis.drawn, _pt_places(bins.pt_gev), shown, norm=norm, cmap=colour_map, rasterized=True)
                axis.apply(axes, labels=row is rows[-1], max_labels=13, size="x-small")
                corner_text(axes, text, size="x-small")
                _set_pt_axis(axes, bins.pt_gev)
            axes_of_row[0].set_ylabel("Jet $p_{T}$ [GeV]")
        axis.name(placed[-1, -1], style.discriminant_label)
        experiment_label(placed[0, 0], style, placed[0, -1])
        colour_bar(made, placed.ravel(), label)
    return made


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
