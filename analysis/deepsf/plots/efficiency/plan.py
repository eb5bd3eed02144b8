"""Which figures of efficiencies there are, and how each is drawn.

The list follows from the configuration alone, and matplotlib is loaded when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from deepsf.plots.efficiency.variables import (
    CROSS_FIT,
    JET_VARIABLES,
    POINT_JET_VARIABLES,
    TAG_REGIONS,
    event_variables,
)
from deepsf.plots.plan import PlannedFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepsf.efficiency.audit.results import EfficiencyClosure
    from deepsf.plots.style import Style
    from deepsf.plots.training import History


class EfficiencyResults(NamedTuple):
    """What the audit found, and by network, the ensemble's first, the records of its members' trainings."""

    closure: EfficiencyClosure
    histories: Mapping[str, Sequence[History]]

    @property
    def training(self) -> str:
        """How the ensemble was trained, in words; empty where the training sample is not shown."""
        train = self.closure.samples.get(CROSS_FIT)
        members = self.histories.get(self.closure.nominal, ())
        if train is None or not members:
            return ""
        passes = max(len(history["pass"]) for history in members)
        return f"{train.n_events} events in {passes} pass" + ("es" if passes > 1 else "")


def efficiency_figures(
    flavours: Sequence[str], *, is_toy: bool, other_points: Sequence[str] = (), processes: Sequence[str] = ()
) -> list[PlannedFigure[EfficiencyResults]]:
    """Return all figures; a toy has a sample of another process and the truth.

    Parameters
    ----------
    other_points
        Working points that do not count as a tag; each has a few figures of the test sample.
    processes
        Samples of other processes that are no toys.
    """
    planned = []
    for sample in ("test", *(["scalar"] if is_toy else []), *processes):
        planned += _sample_figures(sample)
    for region in TAG_REGIONS:
        planned.append(_planned(f"{region}_delta_r_{CROSS_FIT}", "regions:figure", CROSS_FIT, region, "delta_r"))
    planned += [_planned(stem, f"{stem}:figure") for stem in ("correlation", "gain", "reliability")]
    planned.append(_planned("rare_background", "rare:figure"))
    for point in other_points:
        planned += _point_figures(point)
    if is_toy:
        planned.append(_planned("spread", "spread:figure"))
    planned += [_planned(f"non_closure_{flavour}", "spread:non_closure_figure", flavour) for flavour in flavours]
    return [*planned, PlannedFigure("training", _training)]


def _sample_figures(sample: str) -> list[PlannedFigure[EfficiencyResults]]:
    planned = [
        _planned(f"jet_efficiency_{_stem(variable)}_{sample}", "jets:figure", sample, variable)
        for variable in JET_VARIABLES
    ]
    for region in TAG_REGIONS:
        planned += [
            _planned(f"{region}_{_stem(variable)}_{sample}", "regions:figure", sample, region, variable)
            for variable in event_variables(sample)
        ]
        pairs = f"{region}_delta_r_pairs_{sample}"
        planned.append(_planned(pairs, "regions:pairs_figure", sample, region, "delta_r"))
    return [*planned, _planned(f"n_tags_{sample}", "regions:n_tags_figure", sample)]


def _point_figures(point: str) -> list[PlannedFigure[EfficiencyResults]]:
    planned = [
        _planned(f"jet_efficiency_{_stem(variable)}_test_{point}", "jets:figure", "test", variable, point=point)
        for variable in POINT_JET_VARIABLES
    ]
    return planned + [
        _planned(f"{region}_delta_r_test_{point}", "regions:figure", "test", region, "delta_r", point=point)
        for region in TAG_REGIONS
    ]


def _stem(variable: str) -> str:
    """Return a variable without its unit."""
    return variable.removesuffix("_gev")


def _planned(stem: str, place: str, *what: str, point: str | None = None) -> PlannedFigure[EfficiencyResults]:
    """Return the figure that a function of this package, ``module:function``, draws of the closure, or at ``point``."""
    return PlannedFigure(stem, partial(_draw, place, what, point))


def _draw(place: str, what: Sequence[str], point: str | None, results: EfficiencyResults, style: Style) -> Figure:
    module, function = place.split(":")
    drawing: Callable[..., Figure] = getattr(import_module(f"{__package__}.{module}"), function)
    closure = results.closure if point is None else results.closure.at(point)
    return drawing(closure, *what, replace(style, training=results.training))


def _training(results: EfficiencyResults, style: Style) -> Figure:
    from deepsf.plots.efficiency import training

    return training.figure(results.histories, style)
