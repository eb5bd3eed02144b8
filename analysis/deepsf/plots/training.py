"""Records of trainings by pass: thin lines for members, thick ones for their median."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.plots.layout import limits

History = Mapping[str, Sequence[float]]
"""Columns of a member's record by name, as `deepsf.training.history.History` keeps them."""


class Curve(NamedTuple):
    """A column of the records and how it is drawn."""

    column: str
    colour: str
    linestyle: str
    label: str


def draw_members(
    axes: Axes, histories: Sequence[History], curves: Sequence[Curve], *, head_room: float, n_ticks: int
) -> None:
    """Draw columns of all members' records against the pass.

    Parameters
    ----------
    head_room
        For text and legend, in units of the range below it.

    Raises
    ------
    ValueError
        If a record lacks a column.
    """
    passes_of = [_column(history, "pass", number) for number, history in enumerate(histories)]
    passes = np.unique(np.concatenate(passes_of))
    tables: list[Floats] = []
    for curve in curves:
        table = np.full((len(histories), len(passes)), np.nan)
        options: dict[str, Any] = {"color": curve.colour, "linestyle": curve.linestyle}
        for number, (history, of_member) in enumerate(zip(histories, passes_of, strict=True)):
            values = _column(history, curve.column, number)
            axes.plot(of_member, values, linewidth=0.7, alpha=0.45, marker=_marker(of_member), **options)
            table[number, np.searchsorted(passes, of_member)] = values
        median = np.nanmedian(table, axis=0)
        axes.plot(passes, median, linewidth=3.0, label=curve.label, marker=_marker(passes), **options)
        tables.append(table)
    low, high = limits(*tables)
    axes.set_ylim(low, high + head_room * (high - low))
    axes.set_xlim(passes[0] - 0.5, passes[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=n_ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.legend(loc="upper right", fontsize="x-small")


def _marker(passes: Floats) -> str:
    """Return the marker of a line: of one point it would show nothing without."""
    return "o" if len(passes) == 1 else ""


def _column(history: History, name: str, member: int) -> Floats:
    if name not in history:
        raise ValueError(f"the record of member {member} has no column {name!r}; it has {sorted(history)}")
    return np.asarray(history[name], float)
