"""All figures of a campaign, made from its results under the names of `deepsf.plots.scale_factors.names`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from deepsf.audit.bin_means import BinMeans
from deepsf.audit.closure import RegionClosure
from deepsf.audit.truth import FlavourTruth
from deepsf.binned.scale_factor import BinnedScaleFactor, normalised_bins
from deepsf.networks.ensemble import FlavourSummary
from deepsf.plots.scale_factors import closure, maps, scale_factor, training, truth
from deepsf.plots.scale_factors.closure import Agreement
from deepsf.plots.scale_factors.panels import Reference, panels
from deepsf.plots.style import Style


@dataclass(frozen=True)
class ScaleFactorResults:
    """What the figures of scale factors show, each by measured flavour; ``truth`` is empty without one.

    ``further`` holds, by flavour and method, the means of methods besides the binned one and DeepSF.
    """

    binned: BinnedScaleFactor
    summaries: Mapping[str, FlavourSummary]
    grids: Mapping[str, Mapping[str, Any]]
    truth: Mapping[str, FlavourTruth]
    histories: Sequence[Mapping[str, Sequence[float]]]
    further: BinMeans


def scale_factor_figures(
    results: ScaleFactorResults, style: Style, reference: Reference | None = None
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure: every (pT, |eta|) bin, overview, maps and truth of each flavour; the training curves."""
    for flavour, table in results.binned.flavours.items():
        summary, true, further = results.summaries[flavour], results.truth.get(flavour), results.further[flavour]
        means = None if true is None else true.bin_means
        made = panels(flavour, results.binned, summary, means, reference, further)
        yield from scale_factor.figures(made, style)
        yield f"overview_{flavour}", scale_factor.overview(made, style)
        true_grid = None if true is None else true.grid
        n_members = len(results.histories)
        yield (
            f"map_{flavour}",
            maps.figure(flavour, results.grids[flavour], style, n_members=n_members, truth=true_grid),
        )
        if true is not None:
            values = {
                "none": np.ones(table.sf.shape),
                "binned": normalised_bins(table)[0],
                **{method: np.asarray(by_bin.values()) for method, by_bin in further.items()},
                "deepsf": summary.estimate().mean,
            }
            n_jets = np.asarray(summary.values.values(flow=True)).sum(axis=-1)
            yield f"truth_{flavour}", truth.figure(flavour, true.bin_means, values, n_jets, style)
    yield "training", training.figure(results.histories, list(results.binned.flavours), style)


def closure_figures(
    closures: Mapping[str, RegionClosure], agreement: Mapping[str, Mapping[str, Agreement]], style: Style
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of each region: data and simulation in the bins of the measurement, and in fine ones.

    ``agreement`` holds the chi2 tests by region and method; they are of the measurement's bins.
    """
    for region, histograms in closures.items():
        tested = agreement[region]
        coarse = closure.figure(region, histograms.simulation, histograms.data, style, agreement=tested)
        yield f"closure_{region}", coarse
        yield f"closure_{region}_fine", closure.figure(region, histograms.simulation_fine, histograms.data_fine, style)


def agreement_of(audit: str) -> dict[str, dict[str, Agreement]]:
    """Return the chi2 tests in the text of ``audit.json``, by region and method."""
    tests = json.loads(audit)["closure_chi2"]
    return {
        region: {method: Agreement(t["chi2"], t["ndf"], t["p"]) for method, t in methods.items()}
        for region, methods in tests.items()
    }
