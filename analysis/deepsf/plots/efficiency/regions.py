"""Yields of tag regions: direct tagging, and what every model predicts on the same events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import INCLUSIVE, RegionYields
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency.common import (
    DIRECT,
    MARKER_SIZE,
    TRUTH,
    Curves,
    band_handle,
    draw_curves,
    draw_ratios,
    flavour_short,
    horizontal_label,
    legend_above,
    model_handle,
    pair_labels,
    quality_text,
    ratio_labels,
    set_horizontal,
    shown_models,
)
from deepsf.plots.efficiency.variables import CROSS_FIT, EVENT_VARIABLES, N_TAGS, TAG_REGIONS, Variable, sample_title
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid
from deepsf.plots.stack import data_handle
from deepsf.plots.style import Style, context

_ERROR_LABEL = r"Error, $\Sigma w^{2} + V_{\mathrm{eff}}$"
_LOG_ABOVE = 30.0
"""Highest over lowest yield from which the axis is logarithmic."""
_HEAD_ROOM = 0.58
"""For text, in units of the range below it."""
_TOP_OF_QUALITY = 0.82
_COLUMNS_OF_PAIRS = 3
_LEGEND_ROWS = 4


def figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable, all flavours together; below, ratios to the truth, wide and close to 1.

    Without truth ratios are to the ensemble's prediction.

    Parameters
    ----------
    region
        ``1tag`` or ``2tag``.
    variable
        One of `deepsf.plots.efficiency.variables.EVENT_VARIABLES`.
    """
    yields = closure.samples[sample].regions[region][variable]
    heading = f"{TAG_REGIONS[region]}, working point {closure.working_point}"
    names = [flavour_short(name, style) for name in closure.flavours] if variable == "closest_flavour" else ()
    return _figure(closure, sample, yields, EVENT_VARIABLES[variable], heading, style, names)


def n_tags_figure(closure: EfficiencyClosure, sample: str, style: Style) -> Figure:
    """Return the spectrum of the number of tags, drawn as a variable of `figure`."""
    heading = f"Tags at working point {closure.working_point}"
    return _figure(closure, sample, closure.samples[sample].n_tags, N_TAGS, heading, style)


# 7 arguments: what is drawn, and what is written
def _figure(
    closure: EfficiencyClosure,
    sample: str,
    yields: RegionYields,
    variable: Variable,
    heading: str,
    style: Style,
    names: Sequence[str] = (),
) -> Figure:
    nominal = closure.nominal
    curves, reference = _curves(yields, INCLUSIVE, nominal, variable)
    with context():
        margins = Margins(left=1.85, right=0.45, bottom=1.15, top=2.45, between_rows=0.12)
        made, axes = grid([5.6, 2.1, 2.1], [8.6], margins, sharex=True)
        main, wide, close = axes[:, 0]
        _draw_yields(main, curves, reference, style)
        for panel in (wide, close):
            draw_ratios(panel, curves.over(reference), style, close=panel is close)
        for panel in axes[:, 0]:
            set_horizontal(panel, curves.edges, variable, labels=panel is close, names=names)
        main.set_ylabel(yields_label(variable))
        for panel, label in zip((wide, close), ratio_labels(TRUTH in yields.models, nominal, style), strict=True):
            panel.set_ylabel(label, loc="center", fontsize="small")
        close.set_xlabel(horizontal_label(variable))
        made.align_ylabels(axes[:, 0])
        corner_text(main, f"{_heading(closure, sample)}\n{heading}")
        if sample != CROSS_FIT:  # whose efficiencies are of other members than the ensemble's
            corner_text(main, quality_text(closure, style), size="x-small", top=_TOP_OF_QUALITY)
        title = r"in brackets: $\chi^{2}$/ndf to direct tagging"
        entries = _with_tests(yields, nominal, style)
        legend_above(made, entries, column_spacing=1.2, n_rows=_LEGEND_ROWS, title=title, size="x-small")
        experiment_label(main, style)
    return made


def pairs_figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable by flavour pair of the two leading jets, a panel each, with ratios below.

    Pairs that the sample has none of are left out.
    """
    yields, drawn = closure.samples[sample].regions[region][variable], EVENT_VARIABLES[variable]
    predicted = yields.models[closure.nominal].predicted.sum(axis=1)
    labels = dict(zip(yields.categories[1:], pair_labels(closure.flavours, style), strict=True))
    categories = [
        name for name, total in zip(yields.categories, predicted, strict=True) if name in labels and total > 0
    ]
    n_columns = min(_COLUMNS_OF_PAIRS, len(categories))
    n_blocks = -(-len(categories) // n_columns)
    with context(0.8):
        margins = Margins(left=1.35, right=0.45, bottom=1.05, top=2.0, between_columns=1.05, between_rows=0.1)
        made, axes = grid(([3.0, 2.0, 0.45] * n_blocks)[:-1], [5.0] * n_columns, margins)
        for spacer in axes[2::3].flat:
            spacer.set_visible(False)
        mains, belows = axes[0::3].ravel(), axes[1::3].ravel()
        for unused in (*mains[len(categories) :], *belows[len(categories) :]):
            unused.set_visible(False)
        for main, below, category in zip(mains, belows, categories, strict=False):
            curves, reference = _curves(yields, category, closure.nominal, drawn)
            _draw_yields(main, curves, reference, style, head_room=0.3)
            draw_ratios(below, curves.over(reference), style)
            for panel in (main, below):
                set_horizontal(panel, yields.edges, drawn, labels=panel is below)
            corner_text(main, labels[category])
        for main, below in zip(axes[0::3, 0], axes[1::3, 0], strict=True):
            main.set_ylabel(yields_label(drawn))
            label, _ = ratio_labels(TRUTH in yields.models, closure.nominal, style)
            below.set_ylabel(label, loc="center", fontsize="small")
            made.align_ylabels([main, below])
        axes[-1, -1].set_xlabel(horizontal_label(drawn))
        experiment_label(axes[0, 0], style, axes[0, -1])
        title = f"{_heading(closure, sample)}. {TAG_REGIONS[region]}, working point {closure.working_point}"
        legend_above(made, _entries(yields, closure.nominal, style), column_spacing=1.4, title=title)
    return made


def yields_label(variable: Variable) -> str:
    """Return what the axis of yields is called; they are divided by the widths of bins that have one."""
    return f"Events / {variable.unit}" if variable.unit else "Events"


def _curves(yields: RegionYields, category: str, nominal: str, variable: Variable) -> tuple[Curves, Floats]:
    """Return the yields of one category by width, and what they are compared to, see `Curves.of_reference`.

    Direct yields of 0 are left out.
    """
    row = yields.categories.index(category)
    width = np.diff(yields.edges) if variable.unit else np.ones(len(yields.edges) - 1)
    models = {name: yields.models[name].predicted[row] / width for name in shown_models(yields.models, nominal)}
    direct = yields.direct[row]
    observed = np.where(direct > 0, direct, np.nan) / width
    truth = yields.models[TRUTH].predicted[row] / width if TRUTH in yields.models else None
    band, error = yields.models[nominal].error[row] / width, np.sqrt(yields.direct_variance[row]) / width
    curves = Curves(yields.edges, models, nominal, band, observed, error)
    return curves, curves.of_reference(truth)


def _heading(closure: EfficiencyClosure, sample: str) -> str:
    found = closure.samples[sample]
    heading = f"{sample_title(sample)}, {found.n_events} events"
    if found.share < 1.0:
        heading += f" ({100 * found.share:.0f} %) scaled to all"
    return heading


def _draw_yields(axes: Axes, curves: Curves, reference: Floats, style: Style, head_room: float = _HEAD_ROOM) -> None:
    draw_curves(axes, curves, style)
    observed = np.nan_to_num(curves.observed)
    highest = max(float(np.max(values)) for values in (*curves.models.values(), observed + curves.observed_error))
    shown = np.concatenate([curves.models[curves.nominal], reference, observed])
    positive = shown[shown > 0]
    lowest = float(positive.min()) if len(positive) else 1.0
    if highest > _LOG_ABOVE * lowest:
        axes.set_yscale("log")
        axes.set_ylim(0.5 * lowest, highest * (highest / (0.5 * lowest)) ** head_room)
    else:
        axes.set_ylim(0.0, (1.15 + head_room) * (highest or 1.0))


def _entries(yields: RegionYields, nominal: str, style: Style) -> list[tuple[Any, str]]:
    models = [(model_handle(n, nominal, style), style.method(n)) for n in shown_models(yields.models, nominal)]
    return [(data_handle(MARKER_SIZE), style.method(DIRECT)), *models, (band_handle(nominal, style), _ERROR_LABEL)]


def _with_tests(yields: RegionYields, nominal: str, style: Style) -> list[tuple[Any, str]]:
    """Return the legend's entries with the chi2 of each model."""
    tests = {style.method(name): yields.chi2(name) for name in shown_models(yields.models, nominal)}
    return [
        (handle, f"{name} ({tests[name][0]:.0f}/{tests[name][1]})" if name in tests else name)
        for handle, name in _entries(yields, nominal, style)
    ]
