"""Yields of tag regions: direct tagging, and what every model predicts on the same events."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from deepsf.efficiency.audit.closure import INCLUSIVE, RegionYields
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.plots.efficiency.common import (
    BAND_ALPHA,
    COLUMN,
    DIRECT,
    ERROR_LABEL,
    EVENT_VARIABLES,
    REGION_TEXT,
    SAMPLE_TEXT,
    TRUTH,
    flavour_short,
    horizontal_label,
    line,
    networks,
    pair_labels,
    points,
    ratio_panel,
    set_horizontal,
    set_ratio_limits,
    shaded,
    shown_models,
)
from deepsf.plots.style import Margins, Style, context, experiment_label, grid, steps
from deepsf.probes.entries import Floats

_LOG_ABOVE = 30.0
"""Highest over lowest yield from which the axis is logarithmic."""
_HEAD_ROOM = 0.95
"""For text and legend, in units of the range below it."""
_COLUMNS_OF_PAIRS = 3


class _Curves:
    """Yields of one category over their reference: the truth where it is known, direct tagging elsewhere."""

    def __init__(self, yields: RegionYields, category: str, nominal: str) -> None:
        row = yields.categories.index(category)
        self.edges = yields.edges
        self.centre = 0.5 * (self.edges[1:] + self.edges[:-1])
        self.direct = yields.direct[row]
        self.direct_error = np.sqrt(yields.direct_variance[row])
        self.models = {name: yields.models[name].predicted[row] for name in shown_models(yields.models, nominal)}
        self.has_truth = TRUTH in yields.models
        self.error = yields.models[nominal].error[row]
        self.reference = yields.models[TRUTH].predicted[row] if self.has_truth else self.direct
        self.tested = {name: yields.chi2(name, category) for name in self.models}

    @property
    def ratios(self) -> dict[str, Floats]:
        return {name: ratio(values, self.reference) for name, values in self.models.items()}

    def over_reference(self, values: Floats) -> Floats:
        return ratio(values, self.reference)


def figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable, all flavours together; below, their ratios to the truth, wide and close to 1.

    Parameters
    ----------
    region
        ``1tag`` or ``2tag``; ``n_tags`` is the spectrum of the number of tags, which has no region.
    variable
        One of `deepsf.plots.efficiency.names.EVENT_VARIABLES`, or ``n_tags``.
    """
    found = closure.samples[sample]
    column = COLUMN.get(variable, variable)
    yields = found.n_tags if variable == "n_tags" else found.regions[region][column]
    curves, drawn = _Curves(yields, INCLUSIVE, closure.nominal), EVENT_VARIABLES[variable]
    names = [flavour_short(name, style) for name in closure.flavours] if variable == "closest_flavour" else ()
    with context():
        margins = Margins(left=1.85, right=0.45, bottom=1.15, between_rows=0.12)
        made, axes = grid([6.4, 2.1, 2.1], [8.6], margins, sharex=True)
        main, wide, close = axes[:, 0]
        _draw_yields(main, curves, closure.nominal, style)
        for panel in (wide, close):
            _draw_ratios(panel, curves, closure.nominal, style, close=panel is close)
        for panel in axes[:, 0]:
            set_horizontal(panel, curves.edges, drawn, labels=panel is close, names=names)
        main.set_ylabel("Events / bin")
        wide.set_ylabel(
            "Predicted /\ntrue" if curves.has_truth else "Predicted /\ndirect", loc="center", fontsize="small"
        )
        close.set_ylabel("Networks\nalone", loc="center", fontsize="small")
        close.set_xlabel(horizontal_label(drawn))
        made.align_ylabels(axes[:, 0])
        heading = [_heading(sample, style)] if variable == "n_tags" else [_heading(sample, style), REGION_TEXT[region]]
        main.text(0.035, 0.965, "\n".join(heading), transform=main.transAxes, va="top", fontsize="small")
        _legend(main, curves, closure, style)
        experiment_label(main, style)
    return made


def pairs_figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable by flavour pair of the two leading jets, a panel each, with ratios below.

    Pairs that the sample has none of are left out.
    """
    yields = closure.samples[sample].regions[region][COLUMN.get(variable, variable)]
    predicted = yields.models[closure.nominal].predicted.sum(axis=1)
    labels = dict(zip(yields.categories[1:], pair_labels(closure.flavours, style), strict=True))
    categories = [
        name for name, total in zip(yields.categories, predicted, strict=True) if name in labels and total > 0
    ]
    n_columns = min(_COLUMNS_OF_PAIRS, len(categories))
    n_blocks = -(-len(categories) // n_columns)
    drawn = EVENT_VARIABLES[variable]
    with context(0.8):
        margins = Margins(left=1.35, right=0.45, bottom=1.05, top=1.6, between_columns=1.05, between_rows=0.1)
        heights = [3.0, 2.0, 0.45] * n_blocks
        made, axes = grid(heights[:-1], [5.0] * n_columns, margins)
        for row in range(2, len(heights) - 1, 3):
            for spacer in axes[row]:
                spacer.set_visible(False)
        for number in range(n_blocks * n_columns):
            main, below = (axes[3 * (number // n_columns) + k, number % n_columns] for k in (0, 1))
            if number >= len(categories):
                main.set_visible(False)
                below.set_visible(False)
                continue
            curves = _Curves(yields, categories[number], closure.nominal)
            _draw_yields(main, curves, closure.nominal, style, head_room=0.3)
            _draw_ratios(below, curves, closure.nominal, style, close=False)
            set_horizontal(main, curves.edges, drawn, labels=False)
            set_horizontal(below, curves.edges, drawn, labels=True)
            main.text(0.05, 0.94, labels[categories[number]], transform=main.transAxes, va="top", fontsize="small")
            if number % n_columns == 0:
                main.set_ylabel("Events / bin")
                below.set_ylabel(
                    "Ratio to truth" if curves.has_truth else "Ratio to direct", loc="center", fontsize="small"
                )
                made.align_ylabels([main, below])
        axes[-1, -1].set_xlabel(horizontal_label(drawn))
        experiment_label(axes[0, 0], style, right=False)
        experiment_label(axes[0, -1], style, left=False)
        _legend_above(made, curves, closure, style)
        text = f"{_heading(sample, style)}, {REGION_TEXT[region].lower()}"
        axes[0, -1].text(1.0, 1.02, text, transform=axes[0, -1].transAxes, ha="right", va="bottom", fontsize="small")
    return made


def _heading(sample: str, style: Style) -> str:
    # events trained on have efficiencies of the cross-fit's members, not of the ensemble's
    is_of_ensemble = sample != "train"
    return f"{SAMPLE_TEXT[sample]}, {style.members}" if style.members and is_of_ensemble else SAMPLE_TEXT[sample]


def _draw_yields(axes: Axes, curves: _Curves, nominal: str, style: Style, head_room: float = _HEAD_ROOM) -> None:
    everything = [*curves.models.values(), curves.direct]
    shaded(axes, curves.edges, curves.models[nominal], curves.error, style.colour(nominal))
    for model, values in curves.models.items():
        steps(axes, values, curves.edges, **line(model, nominal, style))
    points(axes, curves.centre, np.where(curves.direct > 0, curves.direct, np.nan), curves.direct_error)
    highest = max(float(np.max(values)) for values in everything)
    positive = np.concatenate(
        [values[values > 0] for values in (curves.models[nominal], curves.reference, curves.direct)]
    )
    lowest = float(positive.min()) if len(positive) else 1.0
    if highest > _LOG_ABOVE * lowest:
        axes.set_yscale("log")
        axes.set_ylim(0.5 * lowest, highest * (highest / (0.5 * lowest)) ** head_room)
    else:
        axes.set_ylim(0.0, (1.15 + head_room) * (highest or 1.0))


def _draw_ratios(axes: Axes, curves: _Curves, nominal: str, style: Style, *, close: bool) -> None:
    ratios = networks(curves.ratios) if close else curves.ratios
    error = curves.over_reference(curves.error)
    ratio_panel(axes, curves.edges, ratios, nominal, error, style)
    observed = np.where(curves.direct > 0, curves.over_reference(curves.direct), np.nan)
    points(axes, curves.centre, observed, curves.over_reference(curves.direct_error))
    set_ratio_limits(axes, curves.edges, ratios, style, close=close)


def _entries(curves: _Curves, closure: EfficiencyClosure, style: Style, *, tests: bool) -> tuple[list[Any], list[str]]:
    size = mpl.rcParams["font.size"]
    axes = Figure().add_subplot()
    direct = axes.errorbar([], [], yerr=[], color="black", marker="o", markersize=0.28 * size, linestyle="none")
    handles: list[Any] = [direct]
    labels = [style.method(DIRECT)]
    for model in curves.models:
        (handle,) = axes.plot([], [], **line(model, closure.nominal, style))
        chi2, ndf = curves.tested[model]
        text = style.method(model)
        handles.append(handle)
        labels.append(f"{text} ({chi2:.0f}/{ndf})" if tests else text)
    handles.append(Patch(facecolor=style.colour(closure.nominal), alpha=BAND_ALPHA))
    labels.append(ERROR_LABEL)
    return handles, labels


def _legend(axes: Axes, curves: _Curves, closure: EfficiencyClosure, style: Style) -> None:
    handles, labels = _entries(curves, closure, style, tests=True)
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.87),
        ncols=2,
        fontsize="x-small",
        handlelength=1.8,
        labelspacing=0.3,
        columnspacing=1.2,
        title=r"in brackets: $\chi^{2}$/ndf to direct tagging",
        title_fontsize="xx-small",
        alignment="left",
    )


def _legend_above(made: Figure, curves: _Curves, closure: EfficiencyClosure, style: Style) -> None:
    handles, labels = _entries(curves, closure, style, tests=False)
    made.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=-(-len(labels) // 2),
        fontsize="small",
        handlelength=1.8,
        columnspacing=1.4,
    )
