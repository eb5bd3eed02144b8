"""Efficiencies of jets: mean prediction of every model by flavour, beside the truth and the share of tagged jets."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepsf.efficiency.audit.jet_closure import Profile
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.plots.efficiency.common import (
    BAND_ALPHA,
    COLUMN,
    DIRECT,
    JET_VARIABLES,
    SAMPLE_TEXT,
    TRUTH,
    few_vertical_ticks,
    horizontal_label,
    line,
    model_label,
    networks,
    points,
    ratio_panel,
    set_horizontal,
    set_ratio_limits,
    shaded,
    shown_models,
)
from deepsf.plots.style import Margins, Style, context, experiment_label, grid, limits, steps

_PRECISE = 0.25
"""Relative error of the tagged share from which a point does not set the range."""


def figure(closure: EfficiencyClosure, sample: str, variable: str, style: Style) -> Figure:
    """Return mean efficiencies in one variable, a column a flavour; below, ratios to the truth, wide and close to 1.

    Without truth the share of tagged jets takes its place.
    """
    profile = closure.samples[sample].profiles[COLUMN.get(variable, variable)]
    models, drawn = shown_models(profile.models, closure.nominal), JET_VARIABLES[variable]
    with context(0.85):
        margins = Margins(left=1.5, right=0.45, bottom=1.1, top=1.6, between_columns=1.15, between_rows=0.12)
        made, axes = grid([4.6, 1.9, 1.9], [5.6] * len(closure.flavours), margins, sharex="col")
        for row, flavour in enumerate(closure.flavours):
            column = axes[:, row]
            _draw_column(column, profile, row, models, closure.nominal, style)
            for panel in column:
                set_horizontal(panel, profile.edges, drawn, labels=panel is column[-1])
            text = f"{style.flavour(flavour)}\n{SAMPLE_TEXT[sample]}"
            column[0].text(
                0.05, 0.955, text, transform=column[0].transAxes, va="top", fontsize="small", linespacing=1.3
            )
        reference = "true" if TRUTH in profile.models else "tagged"
        axes[0, 0].set_ylabel(f"Efficiency, working point {closure.working_point}")
        axes[1, 0].set_ylabel(f"Predicted /\n{reference}", loc="center", fontsize="small")
        axes[2, 0].set_ylabel("Networks\nalone", loc="center", fontsize="small")
        axes[-1, -1].set_xlabel(horizontal_label(drawn))
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, right=False)
        experiment_label(axes[0, -1], style, left=False)
        _legend(made, profile, models, closure, style)
    return made


def _draw_column(column: Any, profile: Profile, row: int, models: list[str], nominal: str, style: Style) -> None:
    main, wide, close = column
    edges, centre = profile.edges, 0.5 * (profile.edges[1:] + profile.edges[:-1])
    values = {model: profile.models[model][row] for model in models}
    reference = profile.models[TRUTH][row] if TRUTH in profile.models else profile.tag_rate[row]
    spread = profile.spread[nominal][row] if nominal in profile.spread else None
    rate, error = profile.tag_rate[row], profile.tag_error[row]
    if spread is not None:
        shaded(main, edges, values[nominal], spread, style.colour(nominal))
    if TRUTH in profile.models:
        steps(main, reference, edges, color=style.colour(TRUTH), linewidth=0.5 * mpl.rcParams["lines.linewidth"])
    for model in models:
        steps(main, values[model], edges, **line(model, nominal, style))
    points(main, centre, rate, error)
    precise = error < _PRECISE * rate
    low, high = limits(*values.values(), (rate - error)[precise], (rate + error)[precise], margin=0.0)
    room = high - low or high
    main.set_ylim(max(0.0, low - 0.15 * room), high + 0.5 * room)
    few_vertical_ticks(main)
    ratios = {model: ratio(array, reference) for model, array in values.items()}
    for panel, shown in ((wide, ratios), (close, networks(ratios))):
        relative = None if spread is None else ratio(spread, reference)
        ratio_panel(panel, edges, shown, nominal, relative, style)
        points(panel, centre, ratio(rate, reference), ratio(error, reference))
        set_ratio_limits(panel, edges, shown, style, close=panel is close)


def _legend(made: Figure, profile: Profile, models: list[str], closure: EfficiencyClosure, style: Style) -> None:
    size = mpl.rcParams["font.size"]
    axes = Figure().add_subplot()
    handles: list[Any] = [
        axes.errorbar([], [], yerr=[], color="black", marker="o", markersize=0.28 * size, linestyle="none")
    ]
    labels = [style.method(DIRECT)]
    if TRUTH in profile.models:
        handles.append(Line2D([], [], color=style.colour(TRUTH), linewidth=0.5 * mpl.rcParams["lines.linewidth"]))
        labels.append(style.method(TRUTH))
    for model in models:
        handles.append(Line2D([], [], **line(model, closure.nominal, style)))
        labels.append(model_label(model, closure, style))
    if closure.nominal in profile.spread:
        handles.append(Patch(facecolor=style.colour(closure.nominal), alpha=BAND_ALPHA))
        labels.append(f"Spread of {closure.n_members.get(closure.nominal, 0)} members")
    made.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=-(-len(labels) // 2),
        fontsize="small",
        handlelength=1.8,
        columnspacing=1.2,
    )
