"""What figures of efficiencies share: names of models, regions, pairs and variables, and panels of ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from deepsf.config.efficiency.networks import NETWORKS
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.observables import N_JETS_LAST
from deepsf.plots.style import Style, few_ticks, limits, mark_outside, steps
from deepsf.probes.entries import Floats

DIRECT, TRUTH = "direct_tagging", "truth"
MODELS = ("map", "map_delta_r", *NETWORKS)
"""Order in which models are drawn."""
MARKERS = {TRUTH: "o", "map": "v", "map_delta_r": "^"} | {name: network.marker for name, network in NETWORKS.items()}
_LINES = {"map_delta_r": (0, (5, 1.5))} | {name: network.line for name, network in NETWORKS.items()}
BAND_ALPHA = 0.3
ERROR_LABEL = r"Error, $\Sigma w^{2} + V_{\mathrm{eff}}$"
_WIDE, _WIDEST = (0.6, 1.5), (0.4, 2.0)
"""Least and largest range of the ratios of all models; what lies beyond gets an arrow."""
_CLOSE, _CLOSEST = 0.2, 0.04
"""Largest and least reach around 1 of the ratios of networks."""
REGION_TEXT = {"1tag": "Leading jet tagged", "2tag": "Two leading jets tagged"}
SAMPLE_TEXT = {
    "test": "Test sample",
    "scalar": r"Transfer sample, scalar to q$\bar{q}$",
    "train": "Training sample, cross-fit",
}


class Variable(NamedTuple):
    """How a variable is drawn; ``open_above``: its last bin holds all that lies beyond."""

    label: str
    open_above: bool = False
    whole: bool = False


EVENT_VARIABLES = {
    "delta_r": Variable(r"$\Delta R$ of the two leading jets", open_above=True),
    "pt": Variable("Leading jet $p_{T}$ [GeV]", open_above=True),
    "eta": Variable(r"Leading jet $\eta$"),
    "mass": Variable("Mass of the two leading jets [GeV]", open_above=True),
    "n_jets": Variable("Number of jets", whole=True),
    "closest_flavour": Variable("Flavour of the jet closest to the leading one", whole=True),
    "n_tags": Variable("Number of tagged jets", open_above=True, whole=True),
}
JET_VARIABLES = {
    "pt": Variable("Jet $p_{T}$ [GeV]", open_above=True),
    "eta": Variable(r"Jet $\eta$"),
    "delta_r": Variable(r"$\Delta R$ to the closest jet", open_above=True),
}
COLUMN = {"pt": "pt_gev", "mass": "mass_gev"}
"""Names in the results, where they differ."""


def shown_models(present: Mapping[str, Any], nominal: str) -> list[str]:
    """Return the models among those present in the order of drawing, the ensemble's last."""
    return sorted((name for name in MODELS if name in present), key=lambda name: name == nominal)


def networks(ratios: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return what belongs to networks."""
    return {name: values for name, values in ratios.items() if not name.startswith("map")}


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


def points(axes: Axes, x: Floats, y: Floats, error: Floats, colour: str = "black", **options: Any) -> Any:
    """Draw points with errors; NaN is left out."""
    size = mpl.rcParams["font.size"]
    chosen = np.isfinite(y)
    given: dict[str, Any] = {
        "fmt": "o",
        "markersize": 0.28 * size,
        "elinewidth": 0.08 * size,
        "capsize": 0,
        "zorder": 5,
    }
    return axes.errorbar(x[chosen], y[chosen], yerr=error[chosen], color=colour, **{**given, **options})


def ratio_panel(
    axes: Axes, edges: Floats, ratios: Mapping[str, Floats], nominal: str, error: Floats | None, style: Style
) -> None:
    """Draw ratios of models and the band of the ensemble's error; call `set_ratio_limits` after all is drawn."""
    axes.axhline(1.0, color="0.4", linewidth=1.0, zorder=1)
    if error is not None and nominal in ratios:
        shaded(axes, edges, ratios[nominal], error, style.colour(nominal))
    for model, values in ratios.items():
        steps(axes, values, edges, **line(model, nominal, style))


def shaded(axes: Axes, edges: Floats, centre: Floats, error: Floats, colour: str) -> None:
    """Shade centre +- error in every bin."""
    low, high = np.nan_to_num(centre - error), np.nan_to_num(centre + error)
    axes.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=BAND_ALPHA, linewidth=0, zorder=2)


def set_ratio_limits(axes: Axes, edges: Floats, ratios: Mapping[str, Floats], style: Style, *, close: bool) -> None:
    """Set the range of ratios, wide or close around 1; what lies beyond gets an arrow."""
    if close:
        low, high = limits(*ratios.values(), margin=0.15, include=(1 - _CLOSEST, 1 + _CLOSEST))
        reach = min(max(1 - low, high - 1), _CLOSE)
        axes.set_ylim(1 - reach, 1 + reach)
    else:
        low, high = limits(*ratios.values(), include=_WIDE)
        axes.set_ylim(max(low, _WIDEST[0]), min(high, _WIDEST[1]))
    few_ticks(axes)
    centre = 0.5 * (edges[1:] + edges[:-1])
    for model, values in ratios.items():
        mark_outside(axes, centre, values, style.colour(model))


def set_horizontal(axes: Axes, edges: Floats, variable: Variable, *, labels: bool, names: Sequence[str] = ()) -> None:
    """Set limits, ticks and, for the lowest panel, labels of the horizontal axis; ``names`` of categories."""
    axes.set_xlim(edges[0], edges[-1])
    if variable.whole:
        numbers = list(0.5 * (edges[1:] + edges[:-1]))
        texts = list(names) or [f"{number:g}" for number in numbers]
        if not names and (variable.open_above or numbers[-1] >= N_JETS_LAST):
            texts[-1] = f"$\\geq$ {texts[-1]}"
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
