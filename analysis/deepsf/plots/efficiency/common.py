"""What figures of efficiencies share: names and lines of models, curves with their ratios, legends, axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from deepsf.arrays import Floats
from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.efficiency.events.observables import N_JETS_LAST
from deepsf.plots.efficiency.variables import Variable
from deepsf.plots.layout import few_ticks, limits, mark_outside, steps
from deepsf.plots.style import Style

DIRECT, TRUTH = "direct_tagging", "truth"
MODELS = ("map", "map_delta_r", *NETWORKS)
"""Order in which models are drawn."""
# triangles that point up or down are arrows, of points outside of a panel
MARKERS = {TRUTH: "o", "map": "<", "map_delta_r": ">"} | {name: network.marker for name, network in NETWORKS.items()}
_LINES = {"map_delta_r": (0, (5, 1.5))} | {name: network.line for name, network in NETWORKS.items()}
_BAND_ALPHA = 0.3
MARKER_SIZE = 0.28
"""In units of the font size."""
_WIDE, _WIDEST = (0.6, 1.5), (0.4, 2.0)
"""Least and largest range of the ratios of all models; what lies beyond gets an arrow."""
_CLOSE, _CLOSEST = 0.2, 0.04
"""Largest and least reach around 1 of the ratios of networks."""


def shown_models(present: Mapping[str, Any], nominal: str) -> list[str]:
    """Return the models among those present in the order of drawing, the ensemble's last."""
    return sorted((name for name in MODELS if name in present), key=lambda name: name == nominal)


def model_label(model: str, closure: EfficiencyClosure, style: Style) -> str:
    """Return what a model is called; an ensemble that lacks members says so."""
    label = style.method(model)
    return f"{label} ({style.members})" if style.members and model == closure.nominal else label


def line(model: str, nominal: str, style: Style) -> dict[str, Any]:
    """Return colour and line of a model."""
    width = mpl.rcParams["lines.linewidth"]
    return {
        "color": style.colour(model),
        "linestyle": _LINES.get(model, "-"),
        "linewidth": width if model == nominal else 0.75 * width,
    }


def flavour_short(name: str, style: Style) -> str:
    """Return a flavour's label without the word jets."""
    return style.flavour(name).removesuffix(" jets")


def pair_labels(flavours: Sequence[str], style: Style) -> list[str]:
    """Return labels of flavour pairs, in the order of `deepsf.efficiency.events.observables.flavour_pairs`."""
    short = [flavour_short(name, style) for name in flavours]
    return [f"{one} + {other}" for one, other in combinations_with_replacement(short, 2)]


class Curves(NamedTuple):
    """What models predict in bins, and what was observed there; arrays ``(n,)``.

    ``band`` is the error of the nominal model, None without one. Where nothing was observed, ``observed`` is NaN.
    """

    edges: Floats
    models: dict[str, Floats]
    nominal: str
    band: Floats | None
    observed: Floats
    observed_error: Floats

    @property
    def centre(self) -> Floats:
        """Return where points are drawn."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    def of_reference(self, truth: Floats | None) -> Floats:
        """Return what ratios are to: the truth, or the nominal model. What was observed is too noisy to divide by."""
        return self.models[self.nominal] if truth is None else truth

    def over(self, reference: Floats) -> Curves:
        """Return the ratios to a reference."""
        return self._replace(
            models={name: ratio(values, reference) for name, values in self.models.items()},
            band=None if self.band is None else ratio(self.band, reference),
            observed=ratio(self.observed, reference),
            observed_error=ratio(self.observed_error, reference),
        )

    def networks(self) -> Curves:
        """Return the curves without the maps."""
        models = {name: values for name, values in self.models.items() if not name.startswith("map")}
        return self._replace(models=models)


def draw_curves(axes: Axes, curves: Curves, style: Style) -> None:
    """Draw outlines of the models, the band of the nominal one, and points."""
    nominal, edges = curves.nominal, curves.edges
    if curves.band is not None and nominal in curves.models:
        low, high = (np.nan_to_num(curves.models[nominal] + sign * curves.band) for sign in (-1, 1))
        options: dict[str, Any] = {"fill": True, "color": style.colour(nominal), "alpha": _BAND_ALPHA, "linewidth": 0}
        axes.stairs(high, edges, baseline=low, zorder=2, **options)
    for model, values in curves.models.items():
        steps(axes, values, edges, **line(model, nominal, style))
    points(axes, curves.centre, curves.observed, curves.observed_error)


def points(axes: Axes, x: Floats, y: Floats, error: Floats, colour: str = "black", **options: Any) -> Any:
    """Draw points with errors; NaN is left out."""
    size = mpl.rcParams["font.size"]
    chosen = np.isfinite(y)
    given: dict[str, Any] = {
        "fmt": "o",
        "markersize": MARKER_SIZE * size,
        "elinewidth": 0.08 * size,
        "capsize": 0,
        "zorder": 5,
    }
    return axes.errorbar(x[chosen], y[chosen], yerr=error[chosen], color=colour, **{**given, **options})


def draw_ratios(axes: Axes, ratios: Curves, style: Style, *, close: bool = False) -> None:
    """Draw ratios in a wide range, or those of the networks alone close around 1; what lies beyond gets an arrow."""
    shown = ratios.networks() if close else ratios
    axes.axhline(1.0, color="0.4", linewidth=1.0, zorder=1)
    draw_curves(axes, shown, style)
    values = shown.models.values()
    if close:
        low, high = limits(*values, margin=0.15, include=(1 - _CLOSEST, 1 + _CLOSEST))
        reach = min(max(1 - low, high - 1), _CLOSE)
        axes.set_ylim(1 - reach, 1 + reach)
    else:
        low, high = limits(*values, include=_WIDE)
        axes.set_ylim(max(low, _WIDEST[0]), min(high, _WIDEST[1]))
    few_ticks(axes)
    for model, of_model in shown.models.items():
        mark_outside(axes, shown.centre, of_model, style.colour(model))
    mark_outside(axes, shown.centre, shown.observed, "black")


def ratio_labels(has_truth: bool, nominal: str, style: Style) -> tuple[str, str]:
    """Return the vertical labels of the wide panel of ratios and of the close one."""
    return f"Ratio to\n{'truth' if has_truth else style.plain_method(nominal)}", "Networks\nalone"


def quality_text(closure: EfficiencyClosure, style: Style, *, by_flavour: bool = True) -> str:
    """Return in words how the ensemble was trained and what it is worth: one trained badly may look much the same.

    Parameters
    ----------
    by_flavour
        Whether deviations are among it.
    """
    found, lines, model = closure.quality, [], model_label(closure.nominal, closure, style)
    if style.training or style.members:
        lines.append(f"{model} trained on {style.training}" if style.training else model)
    if found is not None and by_flavour:
        deviations = ", ".join(f"{100 * value:.2g}" for value in found.deviation)
        names = ", ".join(flavour_short(name, style) for name in closure.flavours)
        lines.append(f"deviates from the truth by {deviations} % ({names})")
    if found is not None and found.gap_closed is not None:
        closed = f"{100 * found.gap_closed:.1f} %".replace("-", "\N{MINUS SIGN}")
        lines.append(f"closes {closed} of the gap from map to truth")
    return "\n".join(lines)


def set_horizontal(axes: Axes, edges: Floats, variable: Variable, *, labels: bool, names: Sequence[str] = ()) -> None:
    """Set limits, ticks and, for the lowest panel, labels of the horizontal axis; ``names`` of categories."""
    axes.set_xlim(edges[0], edges[-1])
    if variable.whole:
        numbers = list(0.5 * (edges[1:] + edges[:-1]))
        texts = list(names) or [f"{number:g}" for number in numbers]
        if not names and (variable.open_above or numbers[-1] >= N_JETS_LAST):
            texts[-1] = f"≥ {texts[-1]}"
        axes.xaxis.set_major_locator(FixedLocator(numbers))
        axes.xaxis.set_major_formatter(FixedFormatter(texts))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", labelbottom=labels)


def horizontal_label(variable: Variable) -> str:
    """Return the label of the horizontal axis."""
    return f"{variable.label} (last bin open)" if variable.open_above and not variable.whole else variable.label


def few_vertical_ticks(axes: Axes, n: int = 5) -> None:
    """Label the vertical axis of a panel sparsely."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=n, steps=[1, 2, 2.5, 5, 10]))


def note_above(axes: Axes, text: str) -> None:
    """Write a note above the axes in the middle, between the experiment's name and the luminosity of other axes."""
    axes.text(0.5, 1.02, text, transform=axes.transAxes, ha="center", va="bottom", fontsize="x-small")


Entries = Iterable[tuple[Any, str]]
"""Handles and labels of a legend."""


def model_handle(model: str, nominal: str, style: Style) -> Line2D:
    """Return the legend's handle of a model."""
    return Line2D([], [], **line(model, nominal, style))


def band_handle(nominal: str, style: Style) -> Patch:
    """Return the legend's handle of the nominal model's band."""
    return Patch(facecolor=style.colour(nominal), alpha=_BAND_ALPHA)


def legend_above(
    figure: Figure, entries: Entries, column_spacing: float, *, n_rows: int = 2, title: str = "", size: str = "small"
) -> None:
    """Write a legend above all panels."""
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=-(-len(labels) // n_rows),
        fontsize=size,
        handlelength=1.8,
        labelspacing=0.3,
        columnspacing=column_spacing,
        title=title or None,
        title_fontsize=size,
    )
