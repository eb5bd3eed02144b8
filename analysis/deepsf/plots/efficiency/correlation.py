"""Residual correlation of the tags of an event's jets by flavour pair: none, or efficiencies may not be multiplied."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency.common import MARKERS, TRUTH, model_label, pair_labels, points, shown_models
from deepsf.plots.layout import Margins, experiment_label, grid, limits, mark_outside
from deepsf.plots.style import Style, context

_INJECTED = "injected"
_SIGNIFICANCE_MAX = 6.0


def figure(closure: EfficiencyClosure, style: Style) -> Figure:
    """Return the correlation of every model's residuals with its error, and below in units of the error."""
    found = closure.correlation
    models = [*([TRUTH] if TRUTH in found else []), *shown_models(found, closure.nominal)]
    labels = pair_labels(closure.flavours, style)
    with context():
        made, axes = grid([4.6, 3.2], [9.6], Margins(left=2.0, bottom=1.05, between_rows=0.12), sharex=True)
        main, lower = axes[:, 0]
        if _INJECTED in found:
            _draw_injected(main, closure, style)
        for axis in (main, lower):
            axis.axhline(0.0, color="0.4", linewidth=1.0, zorder=1)
        for value, shade in ((2.0, "0.92"), (1.0, "0.84")):
            lower.axhspan(-value, value, color=shade, linewidth=0, zorder=0)
        for number, model in enumerate(models):
            result = found[model]
            x = _places(len(labels), number, len(models))
            options = {"fmt": MARKERS[model], "markersize": 0.34 * mpl.rcParams["font.size"]}
            label = style.method(model) if model == TRUTH else model_label(model, closure, style)
            points(main, x, result.correlation, result.error, style.colour(model), label=label, **options)
            lower.plot(
                x,
                result.significance,
                linestyle="none",
                marker=MARKERS[model],
                color=style.colour(model),
                markersize=options["markersize"],
                zorder=5,
            )
        _finish(main, lower, closure, models, labels)
        for number, model in enumerate(models):
            x = _places(len(labels), number, len(models))
            mark_outside(main, x, found[model].correlation, style.colour(model))
            mark_outside(lower, x, found[model].significance, style.colour(model))
        # pairs of light jets, at the right, are those whose maps are out of range
        main.legend(
            loc="upper left", fontsize="x-small", ncols=2, handlelength=1.2, columnspacing=1.0, labelspacing=0.3
        )
        made.align_ylabels([main, lower])
        experiment_label(main, style)
    return made


def _places(n_pairs: int, number: int, n_models: int) -> Floats:
    """Return where the points of a model stand, side by side with those of the others."""
    return np.arange(n_pairs, dtype=np.float64) + 0.7 * ((number + 0.5) / n_models - 0.5)


def _draw_injected(axes: Axes, closure: EfficiencyClosure, style: Style) -> None:
    result = closure.correlation[_INJECTED]
    for place, value in enumerate(result.correlation):
        label = r"Tags drawn with $\rho$ = 0.2" if place == 0 else None
        axes.plot([place - 0.42, place + 0.42], [value, value], color="0.45", linestyle="--", label=label, zorder=2)
    error = result.error
    low, high = result.correlation - error, result.correlation + error
    axes.bar(np.arange(len(low)), high - low, 0.84, bottom=low, color="0.8", linewidth=0, zorder=1)


def _finish(main: Axes, lower: Axes, closure: EfficiencyClosure, models: list[str], labels: list[str]) -> None:
    shown = [closure.correlation[m].correlation for m in models if not m.startswith("map")]
    if _INJECTED in closure.correlation:
        shown.append(closure.correlation[_INJECTED].correlation)
    low, high = limits(*shown, margin=0.15, include=(-0.01, 0.01))
    main.set_ylim(low, high + 0.55 * (high - low))
    lower.set_ylim(-_SIGNIFICANCE_MAX, _SIGNIFICANCE_MAX)
    lower.yaxis.set_major_locator(FixedLocator([-4.0, -2.0, 0.0, 2.0, 4.0]))
    main.set_ylabel("Residual correlation of tags")
    lower.set_ylabel("Correlation / error", loc="center", fontsize="small")
    for axes in (main, lower):
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.xaxis.set_major_locator(FixedLocator(range(len(labels))))
        axes.xaxis.set_major_formatter(FixedFormatter(labels))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(axis="x", labelbottom=axes is lower, labelsize="x-small", length=0)
    lower.set_xlabel("Flavours of the two jets")
