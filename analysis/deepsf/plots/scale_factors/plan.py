"""Which figures of scale factors there are, and how each is drawn.

The lists follow from the configuration alone, and matplotlib is loaded when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from deepsf.config.binned import Bins
from deepsf.config.validation import SPACES, n_jets_of, variables_of
from deepsf.plots.plan import PlannedFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepsf.audit.closure import RegionClosure
    from deepsf.audit.phase_space.histograms import PhaseSpaceHistograms
    from deepsf.binned.scale_factor import BinnedScaleFactor
    from deepsf.config.validation import Validation
    from deepsf.plots.scale_factors.panels import FlavourResults
    from deepsf.plots.style import Style


class ScaleFactorResults(NamedTuple):
    """Results by measured flavour, and the record of every member's training."""

    flavours: Mapping[str, FlavourResults]
    histories: Sequence[Mapping[str, Sequence[float]]]


def scale_factor_figures(
    bins: Mapping[str, Bins], measured: Sequence[str], *, with_truth: bool
) -> list[PlannedFigure[ScaleFactorResults]]:
    """Return every (pT, |eta|) bin, overview, map and truth of each measured flavour; the training curves."""
    planned = []
    for flavour in measured:
        pt_gev, abseta = bins[flavour].pt_gev, bins[flavour].abseta
        for i in range(len(pt_gev) - 1):
            pt = f"{pt_gev[i]:g}" + ("up" if i == len(pt_gev) - 2 else f"to{pt_gev[i + 1]:g}")
            for j in range(len(abseta) - 1):
                stem = f"sf_{flavour}_pt{pt}_eta{abseta[j]:g}to{abseta[j + 1]:g}".replace(".", "p")
                planned.append(PlannedFigure(stem, partial(_panel, flavour, i, j)))
        planned += [
            PlannedFigure(f"overview_{flavour}", partial(_overview, flavour)),
            PlannedFigure(f"map_{flavour}", partial(_map, flavour)),
        ]
        if with_truth:
            planned.append(PlannedFigure(f"truth_{flavour}", partial(_truth, flavour)))
    return [*planned, PlannedFigure("training", _training)]


def _panel(flavour: str, pt_bin: int, abseta_bin: int, results: ScaleFactorResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import scale_factor

    return scale_factor.figure(results.flavours[flavour].panel(pt_bin, abseta_bin), style)


def _overview(flavour: str, results: ScaleFactorResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import scale_factor

    return scale_factor.overview(results.flavours[flavour].panels(), style)


def _map(flavour: str, results: ScaleFactorResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import maps

    shown = results.flavours[flavour]
    truth = None if shown.truth is None else shown.truth.grid
    return maps.figure(flavour, shown.grid, style, n_members=len(results.histories), truth=truth)


def _truth(flavour: str, results: ScaleFactorResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import truth

    shown = results.flavours[flavour]
    assert shown.truth is not None
    return truth.figure(flavour, shown.truth.bin_means, shown.by_method(), shown.jets.n_jets, style)


def _training(results: ScaleFactorResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import training

    return training.figure(results.histories, list(results.flavours), style)


class ClosureResults(NamedTuple):
    """Histograms by region; by region and method tests of the measurement's bins, on all events and out of fold."""

    closures: Mapping[str, RegionClosure]
    tests: Mapping[str, Mapping[str, Mapping[str, Any]]]
    out_of_fold: Mapping[str, Mapping[str, Mapping[str, Any]]]


def closure_figures(regions: Sequence[str]) -> list[PlannedFigure[ClosureResults]]:
    """Return data and simulation of each region in the bins of the measurement, and in fine ones."""
    return [
        PlannedFigure(stem, partial(draw, region))
        for region in regions
        for stem, draw in ((f"closure_{region}", _closure), (f"closure_{region}_fine", _fine_closure))
    ]


def _closure(region: str, results: ClosureResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import closure

    shown = results.closures[region]
    tests = results.tests[region], results.out_of_fold.get(region, {})
    return closure.figure(region, shown.simulation, shown.data, style, *tests)


def _fine_closure(region: str, results: ClosureResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import closure

    shown = results.closures[region]
    return closure.figure(region, shown.simulation_fine, shown.data_fine, style)


class PhaseSpaceResults(NamedTuple):
    """Histograms of ``jets`` and of ``events``, the validation region, and the tests in it."""

    histograms: Mapping[str, PhaseSpaceHistograms]
    validation: Validation
    tests: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]


def phase_space_figures() -> list[PlannedFigure[PhaseSpaceResults]]:
    """Return every variable in every phase space; tests are quoted in the validation region."""
    return [
        PlannedFigure(f"{space}_{variable}", partial(_phase_space, space, variable))
        for space in SPACES
        for variable in variables_of(space)
    ]


def _phase_space(space: str, variable: str, results: PhaseSpaceResults, style: Style) -> Figure:
    from deepsf.plots.scale_factors import phase_space

    n_jets = n_jets_of(space, results.validation)
    tests = results.tests if space == "validation" else {}
    return phase_space.figure(results.histograms, variable, n_jets, style, tests)


def purity_figures(regions: Sequence[str]) -> list[PlannedFigure[BinnedScaleFactor]]:
    """Return the fractions of all flavours in each region, and the condition number."""
    return [
        *(PlannedFigure(f"purity_{region}", partial(_purity, region)) for region in regions),
        PlannedFigure("condition", _condition),
    ]


def _purity(region: str, binned: BinnedScaleFactor, style: Style) -> Figure:
    from deepsf.plots.scale_factors import purity

    return purity.purity(purity.purities_of(binned), region, style)


def _condition(binned: BinnedScaleFactor, style: Style) -> Figure:
    from deepsf.plots.scale_factors import purity

    return purity.condition(purity.purities_of(binned), style)
