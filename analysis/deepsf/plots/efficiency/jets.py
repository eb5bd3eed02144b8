"""Efficiencies of jets: mean prediction of every model by flavour, beside the truth and the share of tagged jets."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepsf.efficiency.audit.jet_closure import Profile
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency.common import (
    DIRECT,
    MARKER_SIZE,
    TRUTH,
    Curves,
    band_handle,
    draw_curves,
    draw_ratios,
    few_vertical_ticks,
    horizontal_label,
    legend_above,
    model_handle,
    model_label,
    note_above,
    quality_text,
    ratio_labels,
    set_horizontal,
    shown_models,
)
from deepsf.plots.efficiency.variables import JET_VARIABLES, sample_title
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid, limits, steps
from deepsf.plots.stack import data_handle
from deepsf.plots.style import Style, context

_PRECISE = 0.25
"""Relative error of the tagged share from which a point does not set the range."""
_TRUTH_WIDTH = 0.5
"""In units of the width of lines."""


def figure(closure: EfficiencyClosure, sample: str, variable: str, style: Style) -> Figure:
    """Return mean efficiencies in one variable, a column a flavour; below, ratios to the truth, wide and close to 1.

    Without truth ratios are to the ensemble's prediction.
    """
    profile, drawn = closure.samples[sample].profiles[variable], JET_VARIABLES[variable]
    with context(0.85):
        margins = Margins(left=1.5, right=0.45, bottom=1.1, top=1.6, between_columns=1.15, between_rows=0.12)
        made, axes = grid([4.6, 1.9, 1.9], [5.6] * len(closure.flavours), margins, sharex="col")
        for row, (flavour, column) in enumerate(zip(closure.flavours, axes.T, strict=True)):
            _draw_column(column, profile, row, closure.nominal, style)
            for panel in column:
                set_horizontal(panel, profile.edges, drawn, labels=panel is column[-1])
            corner_text(column[0], f"{style.flavour(flavour)}\n{sample_title(sample)}{_deviation(closure, row, style)}")
        axes[0, 0].set_ylabel(f"Efficiency, working point {closure.working_point}")
        labels = ratio_labels(TRUTH in profile.models, closure.nominal, style)
        for panel, label in zip(axes[1:, 0], labels, strict=True):
            panel.set_ylabel(label, loc="center", fontsize="small")
        axes[-1, -1].set_xlabel(horizontal_label(drawn))
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, axes[0, -1])
        note_above(
            axes[0, len(closure.flavours) // 2], quality_text(closure, style, by_flavour=False).replace("\n", ", ")
        )
        legend_above(made, _entries(profile, closure, style), column_spacing=1.2)
    return made


def _draw_column(column: Any, profile: Profile, row: int, nominal: str, style: Style) -> None:
    main, wide, close = column
    rate, error = profile.tag_rate[row], profile.tag_error[row]
    curves = Curves(
        profile.edges,
        {model: profile.models[model][row] for model in shown_models(profile.models, nominal)},
        nominal,
        profile.spread[nominal][row] if nominal in profile.spread else None,
        rate,
        error,
    )
    truth = profile.models[TRUTH][row] if TRUTH in profile.models else None
    reference = curves.of_reference(truth)
    if truth is not None:
        width = _TRUTH_WIDTH * mpl.rcParams["lines.linewidth"]
        # thin, and over the ensemble's line, which it should not hide and which must not hide it
        steps(main, truth, profile.edges, color=style.colour(TRUTH), linewidth=width, zorder=4)
    draw_curves(main, curves, style)
    precise = error < _PRECISE * rate
    shown = (*curves.models.values(), reference)
    low, high = limits(*shown, (rate - error)[precise], (rate + error)[precise], margin=0.0)
    room = high - low or high
    main.set_ylim(max(0.0, low - 0.15 * room), high + 0.5 * room)
    few_vertical_ticks(main)
    for panel in (wide, close):
        draw_ratios(panel, curves.over(reference), style, close=panel is close)


def _deviation(closure: EfficiencyClosure, row: int, style: Style) -> str:
    """Return on a line of its own how far the ensemble is from the truth, on the test sample; empty if unknown."""
    if closure.quality is None:
        return ""
    percent = 100 * closure.quality.deviation[row]
    return f"\n{style.plain_method(closure.nominal)}: deviation {percent:.2g} %"


def _entries(profile: Profile, closure: EfficiencyClosure, style: Style) -> list[tuple[Any, str]]:
    nominal = closure.nominal
    entries: list[tuple[Any, str]] = [(data_handle(MARKER_SIZE), style.method(DIRECT))]
    if TRUTH in profile.models:
        width = _TRUTH_WIDTH * mpl.rcParams["lines.linewidth"]
        entries.append((Line2D([], [], color=style.colour(TRUTH), linewidth=width), style.method(TRUTH)))
    for model in shown_models(profile.models, nominal):
        entries.append((model_handle(model, nominal, style), model_label(model, closure, style)))
    if nominal in profile.spread:
        entries.append((band_handle(nominal, style), f"Spread of {closure.n_members.get(nominal, 0)} members"))
    return entries
