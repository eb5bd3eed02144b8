"""The spectrum of a rare background: direct tags and truth tagging side by side, with errors that cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import TOTAL, RegionYields
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.plots.efficiency.common import (
    DIRECT,
    TRUTH,
    horizontal_label,
    model_label,
    pair_labels,
    points,
    quality_text,
    set_horizontal,
)
from deepsf.plots.efficiency.regions import yields_label
from deepsf.plots.efficiency.variables import EVENT_VARIABLES, SAMPLES, TAG_REGIONS
from deepsf.plots.layout import Margins, corner_text, experiment_label, few_ticks, grid, mark_outside, steps
from deepsf.plots.style import Style, context

N_DIRECT_MIN = 10
"""Effective events that pass a cut on the tags, of the background that is shown."""
_REGION, _VARIABLE = "2tag", "mass_gev"
_RATIO = (0.0, 2.0)
_ERRORS = r"errors: thick $\Sigma w^{2}$, thin $\Sigma w^{2} + V_{\mathrm{eff}}$"
_HEAD_ROOM = 0.7


class _Spectrum(NamedTuple):
    """Yields in bins with errors, arrays ``(n_bins,)``; ``of_events``: those without V_eff, None for direct tags."""

    title: str
    colour: str
    value: Floats
    error: Floats
    of_events: Floats | None
    in_all: str


def figure(closure: EfficiencyClosure, style: Style, sample: str = "test") -> Figure:
    """Return the mass of the two leading jets, both tagged, for a flavour pair of which few events pass (`rarest`).

    Direct tags are at the left, truth tagging at the right, both over the true spectrum, or over that of truth tagging
    where the truth is unknown.
    """
    regions, drawn = closure.samples[sample].regions[_REGION], EVENT_VARIABLES[_VARIABLE]
    yields = regions[_VARIABLE]
    row = rarest(regions[TOTAL], closure.nominal)
    width = np.diff(yields.edges)
    with_truth = TRUTH in yields.models
    reference = yields.models[TRUTH if with_truth else closure.nominal].predicted[row]
    pair = pair_labels(closure.flavours, style)[row - 1]
    with context(0.9):
        margins = Margins(left=1.7, right=0.45, bottom=1.1, top=0.75, between_columns=0.25, between_rows=0.12)
        made, axes = grid([5.2, 2.4], [6.6, 6.6], margins, sharex=True, sharey="row")
        for column, spectrum in zip(axes.T, _spectra(regions, row, closure, style), strict=True):
            _draw(column[0], column[1], spectrum, reference, yields.edges, style)
            corner_text(
                column[0], f"{spectrum.title}\n{pair}, {TAG_REGIONS[_REGION].lower()} ({closure.working_point})"
            )
            corner_text(column[0], spectrum.in_all, size="x-small", top=0.83)
            set_horizontal(column[0], yields.edges, drawn, labels=False)
            set_horizontal(column[1], yields.edges, drawn, labels=True)
        # one bin too few at the right: its label would touch the first one of the other column
        axes[1, 0].xaxis.get_major_locator().set_params(prune="upper")
        axes[0, 0].set_ylim(0.0, (1.0 + _HEAD_ROOM) * _highest(yields, row, closure.nominal, width, reference))
        axes[0, 0].set_ylabel(yields_label(drawn))
        axes[1, 0].set_ylabel(f"Ratio to\n{'truth' if with_truth else 'truth tagging'}", loc="center", fontsize="small")
        axes[1, 1].set_xlabel(horizontal_label(drawn))
        made.align_ylabels(axes[:, 0])
        experiment_label(axes[0, 0], style, axes[0, 1])
        where = f"{SAMPLES[sample]}, {closure.samples[sample].n_events} events"
        corner_text(axes[0, 0], where, size="x-small", top=0.74)
        corner_text(axes[0, 1], f"{_ERRORS}\n{quality_text(closure, style)}", size="xx-small", top=0.76)
        axes[0, 0].ticklabel_format(axis="y", style="plain")
    return made


def rarest(total: RegionYields, model: str) -> int:
    """Return the row of the flavour pair with the smallest expected yield of which direct tags still show something.

    Of which `N_DIRECT_MIN` effective events are expected, that is; without any, of the pair with the most of them.
    """
    found = total.models[model]
    expected, n_direct = (
        found.predicted[1:, 0],
        np.nan_to_num(ratio(found.predicted, np.sqrt(found.direct_sum_w2)))[1:, 0],
    )
    enough = n_direct**2 >= N_DIRECT_MIN
    return 1 + int(np.argmin(np.where(enough, expected, np.inf)) if enough.any() else np.argmax(n_direct))


def _spectra(
    regions: Mapping[str, RegionYields], row: int, closure: EfficiencyClosure, style: Style
) -> list[_Spectrum]:
    shown, total = regions[_VARIABLE], regions[TOTAL]
    found, of_all = shown.models[closure.nominal], total.models[closure.nominal]
    error = np.sqrt(shown.direct_variance[row])
    return [
        _Spectrum(
            style.method(DIRECT),
            "black",
            np.where(shown.direct[row] > 0, shown.direct[row], np.nan),
            error,
            None,
            _in_all(total.direct[row, 0], np.sqrt(total.direct_variance[row, 0])),
        ),
        _Spectrum(
            f"Truth tagging, {model_label(closure.nominal, closure, style)}",
            style.colour(closure.nominal),
            found.predicted[row],
            found.error[row],
            np.sqrt(found.sum_w2[row]),
            _in_all(of_all.predicted[row, 0], of_all.error[row, 0]),
        ),
    ]


def _in_all(value: float, error: float) -> str:
    return f"{value:.3g} $\\pm$ {error:.2g} events in all"


def _draw(main: Axes, lower: Axes, spectrum: _Spectrum, reference: Floats, edges: Floats, style: Style) -> None:
    centre, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    for axes, scale in ((main, width), (lower, np.where(reference > 0, reference, np.nan))):
        steps(axes, reference / scale, edges, color=style.colour(TRUTH), linewidth=1.0, zorder=1)
        points(axes, centre, spectrum.value / scale, spectrum.error / scale, spectrum.colour)
        if spectrum.of_events is not None:
            options: dict[str, Any] = {"elinewidth": 0.22 * mpl.rcParams["font.size"], "fmt": "none"}
            points(axes, centre, spectrum.value / scale, spectrum.of_events / scale, spectrum.colour, **options)
    lower.set_ylim(*_RATIO)
    few_ticks(lower)
    mark_outside(lower, centre, ratio(spectrum.value, reference), spectrum.colour)


def _highest(yields: RegionYields, row: int, model: str, width: Floats, reference: Floats) -> float:
    found = yields.models[model]
    tops = (
        yields.direct[row] + np.sqrt(yields.direct_variance[row]),
        found.predicted[row] + found.error[row],
        reference,
    )
    return float(max(np.max(top / width) for top in tops)) or 1.0
