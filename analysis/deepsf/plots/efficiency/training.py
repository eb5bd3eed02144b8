"""Losses of the members' trainings by pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from deepsf.plots.layout import Margins, experiment_label, grid, limits
from deepsf.plots.style import Style, context
from deepsf.probes.entries import Floats

History = Mapping[str, Sequence[float]]
_CURVES = (("train_loss", "train", "-", "training"), ("validation_loss", "validation", "--", "validation"))
"""Column, colour, line and label."""


def figure(histories: Mapping[str, Sequence[History]], style: Style) -> Figure:
    """Return the cross-entropy by pass, a column a network: thin lines for members, thick ones for their median.

    Parameters
    ----------
    histories
        By network, the ensemble's first, the records of its members: columns ``pass``, ``train_loss`` and, if there is
        one, ``validation_loss``.

    Raises
    ------
    ValueError
        If there is no network, a network has no members, or a record lacks a column.
    """
    if not histories or not all(histories.values()):
        raise ValueError("no training records; the figure needs at least one network with one member")
    with context(0.95):
        margins = Margins(left=1.9, bottom=1.1, top=0.65, between_columns=1.9)
        made, axes = grid([5.2], [7.2] * len(histories), margins)
        ensemble = next(iter(histories))
        for panel, (model, members) in zip(axes[0], histories.items(), strict=True):
            _draw(panel, members, style)
            trainings = f"{len(members)} member" + ("s" if len(members) > 1 else "")
            if model == ensemble and style.members:
                trainings = style.members
            text = f"{style.method(model)}, {trainings}\nthick: median"
            panel.text(0.04, 0.95, text, transform=panel.transAxes, va="top", fontsize="x-small", linespacing=1.3)
        axes[0, 0].set_ylabel("Cross-entropy per jet")
        axes[0, -1].set_xlabel("Pass over the data")
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made


def _draw(axes: Axes, members: Sequence[History], style: Style) -> None:
    everything: list[Floats] = []
    passes = np.unique(np.concatenate([_column(h, "pass", i) for i, h in enumerate(members)]))
    marker = "o" if len(passes) == 1 else ""
    for column, colour, linestyle, label in _CURVES:
        if column != "train_loss" and not any(column in history for history in members):
            continue
        table = np.full((len(members), len(passes)), np.nan)
        options: dict[str, Any] = {"color": style.colour(colour), "linestyle": linestyle, "marker": marker}
        for number, history in enumerate(members):
            own, values = _column(history, "pass", number), _column(history, column, number)
            axes.plot(own, values, linewidth=0.7, alpha=0.45, **options)
            table[number, np.searchsorted(passes, own)] = values
        axes.plot(passes, np.nanmedian(table, axis=0), linewidth=3.0, label=label, **options)
        everything.append(table)
    low, high = limits(*everything)
    axes.set_ylim(low, high + 0.35 * (high - low))
    axes.set_xlim(passes[0] - 0.5, passes[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.legend(loc="upper right", fontsize="x-small")


def _column(history: History, name: str, member: int) -> Floats:
    if name not in history:
        raise ValueError(f"the record of member {member} has no column {name!r}; it has {sorted(history)}")
    return np.asarray(history[name], float)
