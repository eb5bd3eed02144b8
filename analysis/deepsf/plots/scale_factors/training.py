"""Training curves of all members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from deepsf.plots.layout import Margins, experiment_label, grid, limits
from deepsf.plots.style import Style, context
from deepsf.probes.entries import Floats

History = Mapping[str, Sequence[float]]


class _Curve(NamedTuple):
    column: str
    colour: str
    linestyle: str
    label: str


def figure(histories: Sequence[History], flavours: Sequence[str], style: Style) -> Figure:
    """Return losses and the range of scale factors by pass, thin lines for members and thick ones for their median.

    Parameters
    ----------
    histories
        Columns of each member's record by name, as `deepsf.training.history.History` keeps them.
    flavours
        Measured flavours: the columns of the figure.

    Raises
    ------
    ValueError
        If there are no members, or a record lacks a column.
    """
    if not histories:
        raise ValueError("no training records; the figure needs at least one member")
    train, validation = style.colour("train"), style.colour("validation")
    with context(0.95):
        margins = Margins(left=1.9, bottom=1.1, top=0.65, between_columns=1.9, between_rows=0.1)
        made, axes = grid([3.4] * 3, [6.4] * len(flavours), margins, sharex=True)
        for column, flavour in enumerate(flavours):
            rows = [
                [
                    _Curve(f"train_{network}_{flavour}", train, "-", "training"),
                    _Curve(f"validation_{network}_{flavour}", validation, "--", "validation"),
                ]
                for network in ("discriminator", "scale_factor")
            ]
            rows.append(
                [
                    _Curve(f"sf_max_{flavour}", train, "-", "largest"),
                    _Curve(f"sf_min_{flavour}", validation, "--", "smallest"),
                ]
            )
            for row, curves in enumerate(rows):
                _draw(axes[row, column], histories, curves)
            labels = ("Discriminator loss", "Scale-factor loss", "S of validation jets")
            for row, label in enumerate(labels):
                axes[row, column].set_ylabel(label, loc="center", fontsize="small")
            trainings = style.members or f"{len(histories)} trainings"
            text = f"{style.flavour(flavour)}, {trainings}\nthick: median"
            axes[0, column].text(0.04, 0.94, text, transform=axes[0, column].transAxes, va="top", fontsize="x-small")
            made.align_ylabels(axes[:, column])
        axes[-1, -1].set_xlabel("Pass over the data")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def _draw(axes: Axes, histories: Sequence[History], curves: Sequence[_Curve]) -> None:
    everything: list[Floats] = []
    passes = np.unique(np.concatenate([_column(h, "pass", i) for i, h in enumerate(histories)]))
    for curve in curves:
        table = np.full((len(histories), len(passes)), np.nan)
        for number, history in enumerate(histories):
            values = _column(history, curve.column, number)
            own = _column(history, "pass", number)
            axes.plot(own, values, linewidth=0.7, alpha=0.45, **_line(curve, own))
            table[number, np.searchsorted(passes, own)] = values
        median = np.nanmedian(table, axis=0)
        axes.plot(passes, median, linewidth=3.0, label=curve.label, **_line(curve, passes))
        everything.append(table)
    low, high = limits(*everything)
    axes.set_ylim(low, high + 0.4 * (high - low))
    axes.set_xlim(passes[0] - 0.5, passes[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.legend(loc="upper right", fontsize="x-small")


def _line(curve: _Curve, passes: Floats) -> dict[str, Any]:
    """Return how a curve is drawn: with a marker where a line of one point would show nothing."""
    return {"color": curve.colour, "linestyle": curve.linestyle, "marker": "o" if len(passes) == 1 else ""}


def _column(history: History, name: str, member: int) -> Floats:
    if name not in history:
        raise ValueError(f"the record of member {member} has no column {name!r}; it has {sorted(history)}")
    return np.asarray(history[name], float)
