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
_HEAD_ROOM = 0.95
"""For text and legend, in units of the range below it."""
_COLUMNS_OF_PAIRS = 3


def figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable, all flavours together; below, their ratios to the truth, wide and close to 1.

    Parameters
    ----------
    region
        ``1tag`` or ``2tag``.
    variable
        One of `deepsf.plots.efficiency.variables.EVENT_VARIABLES`.
    """
    yields = closure.samples[sample].regions[region][variable]
    heading = [_heading(sample, style), TAG_REGIONS[region]]
    names = [flavour_short(name, style) for name in closure.flavours] if variable == "closest_flavour" else ()
    return _figure(yields, EVENT_VARIABLES[variable], heading, closure.nominal, style, names)


def n_tags_figure(closure: EfficiencyClosure, sample: str, style: Style) -> Figure:
    """Return the spectrum of the number of tags, drawn as a variable of `figure`."""
    return _figure(closure.samples[sample].n_tags, N_TAGS, [_heading(sample, style)], closure.nominal, style)


def _figure(
    yields: RegionYields,
    variable: Variable,
    heading: Sequence[str],
    nominal: str,
    style: Style,
    names: Sequence[str] = (),
) -> Figure:
    curves, reference = _curves(yields, INCLUSIVE, nominal)
    with context():
        margins = Margins(left=1.85, right=0.45, bottom=1.15, between_rows=0.12)
        made, axes = grid([6.4, 2.1, 2.1], [8.6], margins, sharex=True)
        main, wide, close = axes[:, 0]
        _draw_yields(main, curves, reference, style)
        for panel in (wide, close):
            draw_ratios(panel, curves.over(reference), style, close=panel is close)
        for panel in axes[:, 0]:
            set_horizontal(panel, curves.edges, variable, labels=panel is close, names=names)
        main.set_ylabel("Events / bin")
        of_reference = "true" if TRUTH in yields.models else "direct"
        wide.set_ylabel(f"Predicted /\n{of_reference}", loc="center", fontsize="small")
        close.set_ylabel("Networks\nalone", loc="center", fontsize="small")
        close.set_xlabel(horizontal_label(variable))
        made.align_ylabels(axes[:, 0])
        corner_text(main, "\n".join(heading))
        _legend(main, yields, curves, style)
        experiment_label(main, style)
    return made


def pairs_figure(closure: EfficiencyClosure, sample: str, region: str, variable: str, style: Style) -> Figure:
    """Return yields in one variable by flavour pair of the two leading jets, a panel each, with ratios below.

    Pairs that the sample has none of are left out.
    """
    yields = closure.samples[sample].regions[region][variable]
    predicted = yields.models[closure.nominal].predicted.sum(axis=1)
    labels = dict(zip(yields.categories[1:], pair_labels(closure.flavours, style), strict=True))
    categories = [
        name for name, total in zip(yields.categories, predicted, strict=True) if name in labels and total > 0
    ]
    n_columns = min(_COLUMNS_OF_PAIRS, len(categories))
    n_blocks = -(-len(categories) // n_columns)
    with context(0.8):
        margins = Margins(left=1.35, right=0.45, bottom=1.05, top=1.6, between_columns=1.05, between_rows=0.1)
        made, axes = grid(([3.0, 2.0, 0.45] * n_blocks)[:-1], [5.0] * n_columns, margins)
        for spacer in axes[2::3].flat:
            spacer.set_visible(False)
        mains, belows = axes[0::3].ravel(), axes[1::3].ravel()
        for unused in (*mains[len(categories) :], *belows[len(categories) :]):
            unused.set_visible(False)
        for main, below, category in zip(mains, belows, categories, strict=False):
            _draw_pair(main, below, yields, category, closure.nominal, style)
            for panel in (main, below):
                set_horizontal(panel, yields.edges, EVENT_VARIABLES[variable], labels=panel is below)
            corner_text(main, labels[category])
        for main, below in zip(axes[0::3, 0], axes[1::3, 0], strict=True):
            main.set_ylabel("Events / bin")
            of_reference = "truth" if TRUTH in yields.models else "direct"
            below.set_ylabel(f"Ratio to {of_reference}", loc="center", fontsize="small")
            made.align_ylabels([main, below])
        axes[-1, -1].set_xlabel(horizontal_label(EVENT_VARIABLES[variable]))
        experiment_label(axes[0, 0], style, axes[0, -1])
        legend_above(made, _entries(yields, closure.nominal, style), column_spacing=1.4)
        text = f"{_heading(sample, style)}, {TAG_REGIONS[region].lower()}"
        axes[0, -1].text(1.0, 1.02, text, transform=axes[0, -1].transAxes, ha="right", va="bottom", fontsize="small")
    return made


def _curves(yields: RegionYields, category: str, nominal: str) -> tuple[Curves, Floats]:
    """Return the yields of one category, and what they are compared to: the truth, direct tagging where it is unknown.

    Direct yields of 0 are left out.
    """
    row = yields.categories.index(category)
    models = {name: yields.models[name].predicted[row] for name in shown_models(yields.models, nominal)}
    direct = yields.direct[row]
    observed = np.where(direct > 0, direct, np.nan)
    reference = yields.models[TRUTH].predicted[row] if TRUTH in yields.models else direct
    band, error = yields.models[nominal].error[row], np.sqrt(yields.direct_variance[row])
    return Curves(yields.edges, models, nominal, band, observed, error), reference


def _heading(sample: str, style: Style) -> str:
    # events trained on have efficiencies of the cross-fit's members, not of the ensemble's
    is_of_ensemble = sample != CROSS_FIT
    return f"{sample_title(sample)}, {style.members}" if style.members and is_of_ensemble else sample_title(sample)


def _draw_pair(main: Axes, below: Axes, yields: RegionYields, category: str, nominal: str, style: Style) -> None:
    curves, reference = _curves(yields, category, nominal)
    _draw_yields(main, curves, reference, style, head_room=0.3)
    draw_ratios(below, curves.over(reference), style)


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


def _legend(axes: Axes, yields: RegionYields, curves: Curves, style: Style) -> None:
    tests = {style.method(name): yields.chi2(name) for name in curves.models}
    handles, names = zip(*_entries(yields, curves.nominal, style), strict=True)
    labels = [f"{name} ({tests[name][0]:.0f}/{tests[name][1]})" if name in tests else name for name in names]
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.855),
        ncols=2,
        fontsize="x-small",
        handlelength=1.8,
        labelspacing=0.3,
        columnspacing=1.2,
        title=r"in brackets: $\chi^{2}$/ndf to direct tagging",
        title_fontsize="xx-small",
        alignment="left",
    )
