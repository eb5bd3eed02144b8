"""The results that figures of scale factors are tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import hist
import numpy as np

from deepsf.audit.truth import FlavourTruth
from deepsf.binned.scale_factor import BinnedFlavour, ShiftedValues
from deepsf.networks.ensemble import FlavourSummary, summarise_flavour
from deepsf.plots.scale_factors.panels import FlavourResults
from deepsf.plots.style import Style
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.weights import NormalisationTable

STYLE = Style(
    "DeepSF",
    "Toy simulation",
    "DeepJet discriminant",
    "10 fb$^{-1}$ (13 TeV)",
    flavour_labels={"b": "b jets"},
    flavour_colours={"b": "#3f90da", "c": "#ffa90e", "udsg": "#94a4a2"},
    region_labels={"hf": "Heavy-flavour region"},
)
LACKING = replace(STYLE, members="24 of 25 members")
BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 2.5]), np.array([-2.01, 0.0, 0.1, 0.5, 1.01]))
N_MEMBERS = 3


def flat_table(mean: float = 1.0) -> NormalisationTable:
    return NormalisationTable(KinematicBins(np.empty(0), np.empty(0)), np.array([mean]))


def binned(bins: FlavourBins = BINS, mean: float = 1.0, shifts: Mapping[str, float] | None = None) -> BinnedFlavour:
    """Return scale factors 1, 1.1, ... before the normalisation by ``mean``; shifts by a factor."""
    sf = 1.0 + 0.1 * np.arange(np.prod(bins.shape), dtype=float).reshape(bins.shape)
    node = logit(0.5 * (bins.discriminant[1:-1] + np.minimum(bins.discriminant[2:], 1.0)))
    tables = {"binned": flat_table(mean), "binned_smooth": flat_table(mean)}
    shifted = {name: ShiftedValues(sf * f, sf[..., 1:] * f, tables) for name, f in (shifts or {}).items()}
    error, replicas = np.full(bins.shape, 0.2), np.ones((2, *bins.shape))
    return BinnedFlavour(bins, sf, error, replicas, node, sf[..., 1:], "logit", tables, shifted)


def summary(bins: FlavourBins = BINS, n_invalid: int = 20, value: float = 1.0) -> FlavourSummary:
    rng = np.random.default_rng(1)
    n = 4000
    pt, disc = rng.uniform(20, 80, n).astype("f4"), rng.uniform(0, 1, n).astype("f4")
    disc[:n_invalid] = -1.0
    jets = Jets(pt, rng.uniform(0, 2.4, n).astype("f4"), disc, np.zeros(n, np.int8))
    return summarise_flavour(bins, jets, rng.normal(value, 0.05, (N_MEMBERS, n)))


def means(bins: FlavourBins = BINS, value: float = 0.9) -> hist.Hist:
    names = ("pt", "abseta", "discriminant")
    axes = [hist.axis.Variable(edges, name=name, flow=False) for name, edges in zip(names, bins, strict=True)]
    filled = hist.Hist(*axes)
    filled.view()[...] = value
    return filled


def truth(bins: FlavourBins = BINS, value: float = 0.9) -> FlavourTruth:
    return FlavourTruth(means(bins, value), None)


def results(table: BinnedFlavour | None = None, **more) -> FlavourResults:
    """Return the results of b jets."""
    return FlavourResults("b", table or binned(), **{"summary": summary(), **more})
