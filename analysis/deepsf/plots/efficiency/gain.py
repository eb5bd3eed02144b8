"""Statistical gain of weights over cuts by flavour pair, with and without the error of the efficiencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import INCLUSIVE, TOTAL, ModelYields
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency.common import model_label, pair_labels
from deepsf.plots.efficiency.variables import TAG_REGIONS, sample_title
from deepsf.plots.layout import Margins, corner_text, experiment_label, grid
from deepsf.plots.style import Style, context

_ALONE_COLOUR = "#94a4a2"
_LOWEST = 0.3
_HEAD_ROOM = 0.45


def figure(closure: EfficiencyClosure, style: Style, sample: str = "test") -> Figure:
    """Return effective events over those of direct tagging on a logarithmic axis, a panel a region."""
    labels = ["all", *pair_labels(closure.flavours, style)]
    with context(0.95):
        made, axes = grid(
            [4.0] * len(TAG_REGIONS), [10.4], Margins(left=1.5, bottom=1.1, between_rows=0.15), sharex=True
        )
        for panel, region in zip(axes[:, 0], TAG_REGIONS, strict=True):
            total = closure.samples[sample].regions[region][TOTAL]
            order = [total.categories.index(INCLUSIVE), *(k for k, c in enumerate(total.categories) if c != INCLUSIVE)]
            heights = _draw(panel, total.models[closure.nominal], order, closure, style)
            _finish(panel, heights, labels)
            corner_text(panel, TAG_REGIONS[region])
        for panel in axes[:-1, 0]:
            panel.tick_params(labelbottom=False)
        n_events = closure.samples[sample].n_events
        title = f"{model_label(closure.nominal, closure, style)}, {sample_title(sample).lower()} of {n_events} events"
        axes[0, 0].legend(
            loc="upper left",
            bbox_to_anchor=(0.0, 0.87),
            fontsize="x-small",
            title=title,
            title_fontsize="x-small",
            alignment="left",
        )
        axes[-1, 0].set_xlabel("Flavours of the two leading jets")
        made.supylabel("Effective events / those of direct tagging", fontsize="medium", x=0.02)
        experiment_label(axes[0, 0], style)
    return made


def _draw(axes: Axes, yields: ModelYields, order: list[int], closure: EfficiencyClosure, style: Style) -> Floats:
    total = yields.total_gain
    bars: list[tuple[Floats, str, str]] = [(yields.gain[order, 0], _ALONE_COLOUR, r"$\Sigma w^{2}$ alone")]
    if total is not None:
        text = r"$\Sigma w^{2} + V_{\mathrm{eff}}$"
        bars.append((total[order, 0], style.colour(closure.nominal), text))
    width = 0.8 / len(bars)
    for number, (values, colour, label) in enumerate(bars):
        x = np.arange(len(values)) + width * (number - 0.5 * (len(bars) - 1))
        shown = np.nan_to_num(values, nan=0.0)
        axes.bar(x, np.maximum(shown - _LOWEST, 0.0), width, bottom=_LOWEST, color=colour, label=label, linewidth=0)
        for place, value in zip(x, values, strict=True):
            if np.isfinite(value):
                options: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": "xx-small"}
                axes.text(place, max(value, _LOWEST) * 1.06, _number(float(value)), **options)
    axes.axhline(1.0, color="black", linewidth=1.0, linestyle="--", zorder=3)
    return np.concatenate([values for values, _, _ in bars])


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def _finish(axes: Axes, heights: Floats, labels: list[str]) -> None:
    highest = max(float(np.nanmax(heights)), 2.0)
    axes.set_yscale("log")
    axes.set_ylim(_LOWEST, highest * (highest / _LOWEST) ** _HEAD_ROOM)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.xaxis.set_major_locator(FixedLocator(range(len(labels))))
    axes.xaxis.set_major_formatter(FixedFormatter(labels))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize="x-small", length=0)
