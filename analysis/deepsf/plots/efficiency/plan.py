"""Which figures of efficiencies there are, and how each is drawn.

The list follows from the configuration alone, and matplotlib is loaded when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from deepsf.plots.efficiency.variables import CROSS_FIT, JET_VARIABLES, TAG_REGIONS, event_variables
from deepsf.plots.plan import PlannedFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepsf.efficiency.audit.results import EfficiencyClosure
    from deepsf.plots.style import Style


class EfficiencyResults(NamedTuple):
    """What the audit found, and by network, the ensemble's first, the records of its members' trainings."""

    closure: EfficiencyClosure
    histories: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]


def efficiency_figures(flavours: Sequence[str], *, is_toy: bool) -> list[PlannedFigure[EfficiencyResults]]:
    """Return all figures; a toy has a sample of another process and the truth."""
    planned = []
    for sample in ("test", "scalar") if is_toy else ("test",):
        planned += _sample_figures(sample)
    for region in TAG_REGIONS:
        planned.append(PlannedFigure(f"{region}_delta_r_{CROSS_FIT}", partial(_region, CROSS_FIT, "delta_r", region)))
    planned += [
        PlannedFigure("correlation", _correlation),
        PlannedFigure("gain", _gain),
        PlannedFigure("reliability", _reliability),
    ]
    if is_toy:
        planned.append(PlannedFigure("spread", _spread))
    planned += [PlannedFigure(f"non_closure_{flavour}", partial(_non_closure, flavour)) for flavour in flavours]
    return [*planned, PlannedFigure("training", _training)]


def _sample_figures(sample: str) -> list[PlannedFigure[EfficiencyResults]]:
    planned = [
        PlannedFigure(f"jet_efficiency_{_stem(variable)}_{sample}", partial(_jets, sample, variable))
        for variable in JET_VARIABLES
    ]
    for region in TAG_REGIONS:
        planned += [
            PlannedFigure(f"{region}_{_stem(variable)}_{sample}", partial(_region, sample, variable, region))
            for variable in event_variables(sample)
        ]
        planned.append(PlannedFigure(f"{region}_delta_r_pairs_{sample}", partial(_pairs, sample, region)))
    return [*planned, PlannedFigure(f"n_tags_{sample}", partial(_n_tags, sample))]


def _stem(variable: str) -> str:
    """Return a variable without its unit."""
    return variable.removesuffix("_gev")


def _jets(sample: str, variable: str, results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import jets

    return jets.figure(results.closure, sample, variable, style)


def _region(sample: str, variable: str, region: str, results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import regions

    return regions.figure(results.closure, sample, region, variable, style)


def _pairs(sample: str, region: str, results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import regions

    return regions.pairs_figure(results.closure, sample, region, "delta_r", style)


def _n_tags(sample: str, results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import regions

    return regions.n_tags_figure(results.closure, sample, style)


def _correlation(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import correlation

    return correlation.figure(results.closure, style)


def _gain(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import gain

    return gain.figure(results.closure, style)


def _reliability(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import reliability

    return reliability.figure(results.closure, style)


def _spread(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import spread

    return spread.figure(results.closure, style)


def _non_closure(flavour: str, results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import spread

    return spread.non_closure_figure(results.closure, flavour, style)


def _training(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import training

    return training.figure(results.histories, style)
