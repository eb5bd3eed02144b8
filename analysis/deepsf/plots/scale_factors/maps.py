"""Maps of the ensemble's scale factor in discriminant and pT, at a few |eta|."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator
from scipy.special import expit

from deepsf.arrays import Floats
from deepsf.plots.layout import Margins, colour_bar, corner_text, experiment_label, grid
from deepsf.plots.style import Style, context
from deepsf.probes.entries import logit

_DIVERGING = "RdBu_r"
_SEQUENTIAL = "cividis"
_DISCRIMINANT_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
_SHOWN_SHARE = 0.995
"""Of a map's cells: the others lie beyond the colour bar, whose pointed ends say so."""
_PT_TICKS = (20.0, 50.0, 100.0, 200.0, 400.0)


def figure(
    flavour: str,
    grid_values: Mapping[str, Any],
    style: Style,
    *,
    n_members: int,
    truth: Mapping[str, Any] | None = None,
    abseta: Sequence[float] = (0.25, 1.25, 2.25),
) -> Figure:
    """Return maps of mean and standard error, with the truth between them where it is known.

    Parameters
    ----------
    grid_values
        Of `deepsf.networks.ensemble.on_grid`: pt_gev, abseta, discriminant, and mean, sem of shape
        ``(n_pt, n_abseta, n_disc)``.
    truth
        ``truth`` on the same grid.
    abseta
        Where to look; the nearest points of the grid are taken.

    Raises
    ------
    ValueError
        If the truth has another grid.
    """
    axes_of_grid = {key: np.asarray(grid_values[key], float) for key in ("pt_gev", "abseta", "discriminant")}
    mean, sem = np.asarray(grid_values["mean"], float), np.asarray(grid_values["sem"], float)
    note = style.members_line()
    rows = [("mean", f"DeepSF, mean{note}", mean)]
    if truth is not None:
        _check_grid(axes_of_grid, truth)
        true = np.asarray(truth["truth"], float)
        rows += [("mean", "Truth", true), ("difference", f"DeepSF $-$ truth{note}", mean - true)]
    rows.append(("sem", f"SEM of {n_members} trainings\n(spread: $\\times${np.sqrt(n_members):.1f})", sem))
    columns = list(dict.fromkeys(int(np.argmin(np.abs(axes_of_grid["abseta"] - value))) for value in abseta))
    norms = _norms(rows, columns)
    with context(0.8):
        margins = Margins(left=1.25, right=1.9, bottom=1.15, top=0.6, between_columns=0.25, between_rows=0.25)
        made, placed = grid([3.2] * len(rows), [4.6] * len(columns), margins, sharex=True, sharey=True)
        for axes_of_row, (kind, label, values) in zip(placed, rows, strict=True):
            for axes, column in zip(axes_of_row, columns, strict=True):
                _draw(axes, axes_of_grid, values[:, column], norms[kind], _colour_map(kind))
                text = f"{style.flavour(flavour)}, |$\\eta$| = {axes_of_grid['abseta'][column]:.2f}"
                corner_text(axes, text, size="x-small", clear=True)
            colour_bar(made, axes_of_row, label)
            axes_of_row[0].set_ylabel("Jet $p_{T}$ [GeV]")
        placed[-1, -1].set_xlabel(style.discriminant_label)
        experiment_label(placed[0, 0], style, placed[0, -1])
    return made


def _check_grid(own: Mapping[str, Floats], truth: Mapping[str, Any]) -> None:
    for key, values in own.items():
        other = np.asarray(truth[key], float)
        if not np.array_equal(values, other):
            raise ValueError(f"the truth's grid differs from the ensemble's in {key}; both must come from one ensemble")


def _norms(rows: Sequence[tuple[str, str, Floats]], columns: Sequence[int]) -> dict[str, Normalize]:
    """Return a common range for all maps of one kind; it holds all their values but the outermost."""
    seen = {kind: np.concatenate([v[:, columns].ravel() for k, _, v in rows if k == kind]) for kind, _, _ in rows}
    norms: dict[str, Normalize] = {}
    for kind, values in seen.items():
        if kind == "sem":
            norms[kind] = Normalize(0.0, float(np.nanquantile(values, _SHOWN_SHARE)) or 1e-3)
        else:
            centre = 1.0 if kind == "mean" else 0.0
            norms[kind] = CenteredNorm(centre, float(np.nanquantile(np.abs(values - centre), _SHOWN_SHARE)) or 1e-3)
    return norms


def _colour_map(kind: str) -> str | Colormap:
    if kind == "difference":
        return LinearSegmentedColormap.from_list("difference", ["#7f3b08", "#fdb863", "#f7f7f7", "#b2abd2", "#2d004b"])
    return _SEQUENTIAL if kind == "sem" else _DIVERGING


def _draw(
    axes: Axes, axes_of_grid: Mapping[str, Floats], values: Floats, norm: Normalize, colours: str | Colormap
) -> None:
    discriminant = expit(_cells(logit(axes_of_grid["discriminant"])))
    pt = np.exp(_cells(np.log(axes_of_grid["pt_gev"])))
    axes.pcolormesh(discriminant, pt, values, norm=norm, cmap=colours, rasterized=True)
    axes.set_xscale("function", functions=(logit, expit))
    axes.set_yscale("log")
    axes.set_xlim(discriminant[0], discriminant[-1])
    axes.set_ylim(pt[0], pt[-1])
    for axis, ticks, (low, high) in (
        (axes.xaxis, _DISCRIMINANT_TICKS, axes.get_xlim()),
        (axes.yaxis, _PT_TICKS, axes.get_ylim()),
    ):
        inside = [tick for tick in ticks if low <= tick <= high]
        axis.set_major_locator(FixedLocator(inside))
        axis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in inside]))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(direction="out", which="both", top=False, right=False)


def _cells(points: Floats) -> Floats:
    """Return edges of cells around points; the outer ones end at the outer points."""
    return np.concatenate([points[:1], 0.5 * (points[1:] + points[:-1]), points[-1:]])
