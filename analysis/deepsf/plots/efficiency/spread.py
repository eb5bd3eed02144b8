"""Spread of the ensemble against its actual deviation from the truth, and the non-closure that it leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.efficiency.audit.non_closure import NonClosureCheck
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency.common import few_vertical_ticks, model_label
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid
from deepsf.plots.style import Style, context

_TOLERANCE = 0.2


def figure(closure: EfficiencyClosure, style: Style) -> Figure:
    """Return rms deviation against rms spread in bins of jets by spread, a column a flavour.

    Raises
    ------
    ValueError
        If the results hold no such check: it needs the truth, and members.
    """
    check = closure.spread
    if check is None:
        raise ValueError("no spread to compare: the audit had no truth or no members")
    with context(0.85):
        margins = Margins(left=1.4, bottom=1.1, between_columns=1.15)
        made, axes = grid([5.4], [5.6] * len(closure.flavours), margins)
        for row, (flavour, panel) in enumerate(zip(closure.flavours, axes[0], strict=True)):
            x, y = 100 * check.curve_spread[row], 100 * check.curve_deviation[row]
            reach = 1.12 * float(np.nanmax(np.concatenate([x, y, [1e-3]])))
            line = np.array([0.0, 10 * reach])
            panel.fill_between(line, (1 - _TOLERANCE) * line, (1 + _TOLERANCE) * line, color="0.88", linewidth=0)
            panel.plot(line, line, color="0.4", linewidth=1.0)
            colour = style.flavour_colour(flavour)
            panel.plot(x, y, "o", color=colour, markersize=0.45 * mpl.rcParams["font.size"])
            panel.set_xlim(0.0, reach)
            panel.set_ylim(0.0, 1.45 * reach)
            few_vertical_ticks(panel)
            text = (
                f"{style.flavour(flavour)}\n"
                f"rms deviation / rms spread = {check.rms_ratio[row]:.2f}\n"
                f"pull: mean {round(check.pull_mean[row], 2) + 0.0:.2f}, width {check.pull_width[row]:.2f}\n"
                f"not covered: {100 * check.uncovered[row]:.2g} %"
            )
            text = text.replace("-", "\N{MINUS SIGN}")
            corner_text(panel, text, size="x-small")
        axes[0, 0].set_ylabel("rms(mean $-$ true) / mean true [%]")
        members = closure.n_members.get(closure.nominal, 0)
        axes[0, -1].set_xlabel(f"rms spread of {members} members / mean true [%]")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def non_closure_figure(closure: EfficiencyClosure, flavour: str, style: Style) -> Figure:
    """Return deviation, spread and non-closure of one flavour in cells of pT and DeltaR, with their numbers."""
    found, row = closure.non_closure, closure.flavours.index(flavour)
    panels: list[tuple[str, Floats, Floats | None]] = [
        ("(Predicted $-$ tagged) / predicted [%]", 100 * found.deviation[row], 100 * found.statistical[row]),
        ("Spread of members [%]", 100 * found.spread[row], None),
        (_non_closure_title(found, row), 100 * found.systematic[row], None),
    ]
    with context(0.75):
        made, axes = grid([4.8], [5.4] * 3, Margins(left=2.0, bottom=1.0, between_columns=0.25), sharey=True)
        reach = float(np.nanmax(np.abs(np.concatenate([[1.0], *(v.ravel() for _, v, _ in panels)]))))
        for panel, (title, values, error) in zip(axes[0], panels, strict=True):
            _draw_cells(panel, values, error, reach)
            corner_text(panel, title)
            _label_cells(panel, found.pt_gev, found.delta_r)
        axes[0, 0].set_ylabel("Jet $p_{T}$ [GeV]")
        axes[0, -1].set_xlabel(r"$\Delta R$ to the closest jet")
        text = f"{style.flavour(flavour)}, {model_label(closure.nominal, closure, style)}"
        axes[0, 1].text(0.5, 1.02, text, transform=axes[0, 1].transAxes, ha="center", va="bottom", fontsize="small")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def _non_closure_title(found: NonClosureCheck, row: int) -> str:
    """Return what the last panel shows, with the interval of the rms of biases that the fit gives."""
    tau2, error = found.tau2[row], found.tau2_error[row]
    if not np.isfinite(tau2):
        return "Non-closure, as an error [%]"
    low, high = (100 * np.sqrt(max(tau2 + sign * error, 0.0)) for sign in (-1, 1))
    return f"Non-closure, as an error [%]\n(rms of biases {low:.2g} to {high:.2g})"


def _draw_cells(axes: Axes, values: Floats, error: Floats | None, reach: float) -> None:
    axes.pcolormesh(
        np.arange(values.shape[1] + 1), np.arange(values.shape[0] + 1), values, cmap="RdBu_r", vmin=-reach, vmax=reach
    )
    axes.set_ylim(0.0, values.shape[0] + 0.9)
    for i, j in np.ndindex(values.shape):
        if not np.isfinite(values[i, j]):
            continue
        text = f"{values[i, j]:.1f}".replace("-", "\N{MINUS SIGN}")
        if error is not None:
            text += f"\n$\\pm$ {error[i, j]:.1f}"
        dark = abs(values[i, j]) > 0.6 * reach
        options: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "x-small", "linespacing": 1.1}
        axes.text(j + 0.5, i + 0.5, text, color="white" if dark else "black", **options)


def _label_cells(axes: Axes, pt_gev: Floats, delta_r: Floats) -> None:
    for axis, edges in ((axes.yaxis, pt_gev), (axes.xaxis, delta_r)):
        bins = list(pairwise(edges))
        texts = [f"{low:g} to {high:g}" for low, high in bins[:-1]] + [f"> {bins[-1][0]:g}"]
        axis.set_major_locator(FixedLocator([k + 0.5 for k in range(len(bins))]))
        axis.set_major_formatter(FixedFormatter(texts))
        axis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", length=0, labelsize="small")
