"""Simulation stacked by flavour against data, and their ratio: how both are drawn, and the ranges that show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from deepsf.arrays import Floats
from deepsf.audit.methods import DEEPSF, DIRECT, NONE, TRUTH
from deepsf.plots.layout import band, limits
from deepsf.plots.style import Style

METHODS = (NONE, "binned", DIRECT, DEEPSF, TRUTH)
"""Scale factors before and after which data and simulation are compared, of those that there are."""
_BAND_COLOUR = "0.25"
_P_MIN, _P_PLAIN = 1e-99, 1e-3
"""Below the first a p-value is not told apart from it; up to the second it is written as a power of ten."""

Test = Mapping[str, Any]
"""``chi2``, ``ndf`` and ``p`` of data against simulation."""


class Comparison(NamedTuple):
    """Simulation and data in the same bins, with statistical errors; arrays ``(n,)``."""

    simulation: Floats
    simulation_error: Floats
    data: Floats
    data_error: Floats

    def ratio(self) -> tuple[Floats, Floats]:
        """Return data over simulation and the data's error of it; NaN without data or simulation."""
        usable = (self.simulation > 0) & (self.data > 0)
        value, error = (
            np.divide(values, self.simulation, out=np.full(len(values), np.nan), where=usable)
            for values in (self.data, self.data_error)
        )
        return value, error

    def relative(self, error: Floats) -> Floats:
        """Return an error over the simulation; NaN without simulation."""
        simulation = self.simulation
        return np.asarray(np.divide(error, simulation, out=np.full(len(error), np.nan), where=simulation > 0))


def draw_stack(
    axes: Axes, edges: Floats, by_flavour: Mapping[str, Floats], comparison: Comparison, style: Style, *, size: float
) -> None:
    """Draw simulation, the smallest flavour at the bottom, its error, and data as points of this size."""
    names = _by_yield(by_flavour)
    mplhep.histplot(
        [by_flavour[name] for name in names],
        edges,
        stack=True,
        histtype="fill",
        ax=axes,
        flow="none",
        color=[style.flavour_colour(name) for name in names],
        edgecolor="none",
        linewidth=0,
    )
    low, high = (comparison.simulation + sign * comparison.simulation_error for sign in (-1, 1))
    band(axes, low, high, edges, _BAND_COLOUR)
    _points(axes, edges, np.where(comparison.data > 0, comparison.data, np.nan), comparison.data_error, size)


def draw_ratio(axes: Axes, edges: Floats, comparison: Comparison, *, size: float) -> None:
    """Draw data over simulation as points of this size, and the error of the simulation around 1."""
    axes.axhline(1.0, color="0.4", linewidth=1.0)
    error = comparison.relative(comparison.simulation_error)
    band(axes, 1 - error, 1 + error, edges, _BAND_COLOUR)
    _points(axes, edges, *comparison.ratio(), size)


def _points(axes: Axes, edges: Floats, values: Floats, error: Floats, size: float) -> None:
    options: dict[str, Any] = {"histtype": "errorbar", "color": "black", "flow": "none", "zorder": 5}
    mplhep.histplot(values, edges, yerr=error, ax=axes, markersize=size, **options)


def _by_yield(by_flavour: Mapping[str, Floats]) -> list[str]:
    return sorted(by_flavour, key=lambda name: float(by_flavour[name].sum()))


def set_log_range(
    axes: Axes, highest: float, stacks: Iterable[Mapping[str, Floats]], first: int, *, decades: float, head_room: float
) -> None:
    """Set a logarithmic range that reaches down to the smallest flavour of all stacks.

    Parameters
    ----------
    first
        First bin that is drawn.
    decades
        It reaches no further than this below ``highest``.
    head_room
        For text and legend, in units of the range below it.
    """
    smallest = np.concatenate([by_flavour[_by_yield(by_flavour)[0]][first:] for by_flavour in stacks])
    positive = smallest[smallest > 0]
    low = 0.5 * max(float(positive.min()) if len(positive) else 0.1, highest / 10**decades)
    axes.set_yscale("log")
    axes.set_ylim(low, highest * (highest / low) ** head_room)


def ratio_limits(
    comparisons: Iterable[Comparison], first: int, *, error_max: float, reach: float, margin: float = 0.06
) -> tuple[float, float]:
    """Return limits that hold 1 +- ``reach`` and every ratio of a smaller error than ``error_max``.

    Parameters
    ----------
    first
        First bin that is drawn.
    """
    values = [np.array([1 - reach, 1 + reach])]
    for comparison in comparisons:
        ratio, error = (numbers[first:] for numbers in comparison.ratio())
        precise = error < error_max
        values += [ratio[precise] - error[precise], ratio[precise] + error[precise]]
    return limits(*values, margin=margin)


def legend_entries(by_flavour: Mapping[str, Floats], style: Style) -> list[tuple[Any, str]]:
    """Return handles and labels of data, of the flavours from the largest down, and of the simulation's error."""
    return [
        (data_handle(), "Data"),
        *((Patch(facecolor=style.flavour_colour(n)), style.flavour(n)) for n in reversed(_by_yield(by_flavour))),
        (Patch(facecolor="none", edgecolor=_BAND_COLOUR, linewidth=0, hatch="////"), "Simulation stat."),
    ]


def data_handle(size: float = 0.3) -> Any:
    """Return the legend's handle of points with errors; ``size`` in units of the font size."""
    size = size * mpl.rcParams["font.size"]
    axes = Figure().add_subplot()
    return axes.errorbar([], [], yerr=[], color="black", marker="o", markersize=size, linestyle="none")


def reduced_chi2_text(test: Test) -> str:
    """Return chi2 over degrees of freedom, which need not be whole numbers."""
    return f"$\\chi^{{2}}$/ndf = {test['chi2']:.1f}/{test['ndf']:.3g}"


def chi2_text(test: Test) -> str:
    """Return a test in words; a small p-value is a power of ten."""
    chi2 = reduced_chi2_text(test)
    if test["p"] < _P_MIN:
        return f"{chi2}, p < $10^{{{math.log10(_P_MIN):.0f}}}$"
    if test["p"] > _P_PLAIN:
        return f"{chi2}, p = {test['p']:.2g}"
    mantissa, _, exponent = f"{test['p']:.1e}".partition("e")
    return f"{chi2}, p = ${mantissa} \\times 10^{{{int(exponent)}}}$"
