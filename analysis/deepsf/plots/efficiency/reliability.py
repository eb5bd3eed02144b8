"""Reliability: share of tagged jets against predicted efficiency, by flavour."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.plots.efficiency.common import MARKERS, few_vertical_ticks, model_label, points, shown_models
from deepsf.plots.layout import Margins, experiment_label, few_ticks, grid, limits, mark_outside
from deepsf.plots.style import Style, context

_LEFT_OUT = ("map_delta_r",)
"""Bins of few jets would set the ranges."""
_RANGE = (0.5, 1.5)


def figure(closure: EfficiencyClosure, style: Style) -> Figure:
    """Return the curves of every model, a column a flavour; below, tagged over predicted jets."""
    models = [name for name in shown_models(closure.reliability, closure.nominal) if name not in _LEFT_OUT]
    with context(0.85):
        margins = Margins(left=1.5, bottom=1.1, between_columns=1.15, between_rows=0.12)
        made, axes = grid([4.9, 2.4], [5.6] * len(closure.flavours), margins, sharex="col")
        for row, flavour in enumerate(closure.flavours):
            main, lower = axes[:, row]
            shown, ratios, drawn = [], [], {}
            for model in models:
                curve = closure.reliability[model]
                x, y, error = curve.predicted[row], curve.tag_rate[row], curve.error[row]
                options: dict[str, Any] = {"fmt": MARKERS[model], "markersize": 0.32 * mpl.rcParams["font.size"]}
                if model != closure.nominal:
                    options["markerfacecolor"] = "white"
                chi2 = f"({curve.chi2[row]:.0f}/{int(curve.ndf[row])})"
                label = f"{model_label(model, closure, style)} {chi2}"
                points(main, x, y, error, style.colour(model), label=label, **options)
                points(lower, x, ratio(y, x), ratio(error, x), style.colour(model), **options)
                drawn[model] = x, ratio(y, x)
                shown += [x, y - error, y + error]
                ratios += [ratio(y - error, x), ratio(y + error, x)]
            low, high = limits(*shown, margin=0.08)
            main.plot([low, high], [low, high], color="0.4", linewidth=1.0, zorder=1)
            main.set_xlim(low, high)
            main.set_ylim(low, high + 0.55 * (high - low))
            lower.axhline(1.0, color="0.4", linewidth=1.0, zorder=1)
            below, above = limits(*ratios)
            lower.set_ylim(max(below, _RANGE[0]), min(above, _RANGE[1]))
            few_ticks(lower)
            for model, (predicted, quotient) in drawn.items():
                mark_outside(lower, predicted, quotient, style.colour(model))
            few_vertical_ticks(main)
            main.tick_params(labelbottom=False)
            title = rf"{style.flavour(flavour)}, $\chi^{{2}}$/ndf in brackets"
            main.legend(
                loc="upper left",
                fontsize="xx-small",
                title=title,
                title_fontsize="x-small",
                alignment="left",
                handlelength=1.2,
                labelspacing=0.3,
            )
        axes[0, 0].set_ylabel("Tagged jets / jets")
        axes[1, 0].set_ylabel("Tagged /\npredicted", loc="center", fontsize="small")
        axes[-1, -1].set_xlabel(f"Predicted efficiency, working point {closure.working_point}")
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, axes[0, -1])
    return made
