"""The results that figures of scale factors are tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import hist
import numpy as np

from deepsf.audit.truth import FlavourTruth
from deepsf.binned.flavour import BinnedFlavour, ShiftedValues, unit_table
from deepsf.binned.pseudo_experiments import Experiments
from deepsf.binned.purity import FlavourPurities
from deepsf.networks.ensemble import FlavourSummary, summarise_flavour
from deepsf.plots.scale_factors.panels import FlavourResults
from deepsf.plots.style import Style
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.weights import NormalisationTable
from tests.analysis.binned.by_hand import replicas_of

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


def binned(
    bins: FlavourBins = BINS,
    mean: float = 1.0,
    shifts: Mapping[str, float] | None = None,
    other: Mapping[tuple[int, int, int], tuple[float, float]] | None = None,
) -> BinnedFlavour:
    """Return scale factors 1, 1.1, ... of error 0.2 before the normalisation by ``mean``.

    Parameters
    ----------
    shifts
        By name, a factor.
    other
        By bin, another value and error.
    """
    sf = 1.0 + 0.1 * np.arange(np.prod(bins.shape), dtype=float).reshape(bins.shape)
    error = np.full(bins.shape, 0.2)
    for place, (value, its_error) in (other or {}).items():
        sf[place], error[place] = value, its_error
    node = logit(0.5 * (bins.discriminant[1:-1] + np.minimum(bins.discriminant[2:], 1.0)))
    tables = {"binned": flat_table(mean), "binned_smooth": flat_table(mean)}
    shifted = {name: ShiftedValues(sf * f, sf[..., 1:] * f, tables) for name, f in (shifts or {}).items()}
    unit = unit_table(bins, node, "logit")
    bootstraps = replicas_of(sf, error, mean)
    return replace(unit, sf=sf, error=error, smooth=sf[..., 1:], normalisation=tables, shifts=shifted, **bootstraps)


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


PT, ETA, DISC = np.geomspace(20, 400, 6), np.linspace(0.05, 2.45, 13), np.array([0.001, 0.02, 0.3, 0.9, 0.995])
GRID_SHAPE = (6, 13, 5)


def grid() -> dict[str, np.ndarray]:
    mean = np.broadcast_to(np.array([0.8, 0.9, 1.0, 1.1, 1.4]), GRID_SHAPE) + 0.01 * ETA[:, None]
    return {"pt_gev": PT, "abseta": ETA, "discriminant": DISC, "mean": mean, "sem": np.full(GRID_SHAPE, 0.02)}


def true_grid() -> dict[str, np.ndarray]:
    return {"pt_gev": PT, "abseta": ETA, "discriminant": DISC, "truth": np.full(GRID_SHAPE, 1.1)}


SCORES = [-2.01, 0.0, 0.1, 0.5, 1.01]
METHODS = ["none", "binned", "binned_smooth", "deepsf"]
B, UDSG = [10.0, 100.0, 200.0, 400.0], [5.0, 300.0, 50.0, 10.0]
DATA = [15.0, 480.0, 225.0, 410.0]


def simulation(edges=SCORES, b=B, udsg=UDSG, methods=METHODS) -> hist.Hist:
    axes = (
        hist.axis.StrCategory(methods, name="method"),
        hist.axis.StrCategory(["b", "udsg"], name="flavour"),
        hist.axis.Variable(edges, name="discriminant", flow=False),
    )
    filled = hist.Hist(*axes, storage=hist.storage.Weight())
    filled.view().value[:] = np.array([b, udsg])
    filled.view().variance[:] = np.array([b, udsg]) / 2
    return filled


def observed(edges=SCORES, values=DATA) -> hist.Hist:
    filled = hist.Hist(hist.axis.Variable(edges, name="discriminant", flow=False), storage=hist.storage.Weight())
    filled.view().value[:] = values
    filled.view().variance[:] = values
    return filled


COARSE_BINS = FlavourBins(np.array([20.0, 50.0, 1000.0]), np.array([0.0, 1.2, 2.5]), np.array([-2.01, 0.0, 0.1, 1.01]))


def purities() -> FlavourPurities:
    fraction = np.empty((2, 3, *COARSE_BINS.shape))
    fraction[:, 0], fraction[:, 1], fraction[:, 2] = 0.7, 0.1, 0.2
    fraction[0, 0, 1, 1, 2] = 0.9
    fraction[..., 0] = np.nan
    numbers = np.full(COARSE_BINS.shape, 3.0)
    numbers[0, 0, 1], numbers[0, 0, 2], numbers[..., 0] = 500.0, 1e16, np.nan
    return FlavourPurities(("hf", "lf"), ("b", "c", "udsg"), COARSE_BINS, fraction, numbers)


N_EXPERIMENTS, N_BINS = 400, 5


def experiments(bias: float = 0.0) -> Experiments:
    """Independent bins of error 0.1, the last of them with too few entries; a bias in sigma."""
    sf = 1.0 + 0.1 * (np.random.default_rng(1).normal(size=(N_EXPERIMENTS, N_BINS)) + bias)
    covariance = np.broadcast_to(0.01 * np.eye(N_BINS - 1), (N_EXPERIMENTS, N_BINS - 1, N_BINS - 1))
    expected = np.array([100.0, 100.0, 100.0, 100.0, 3.0])
    return Experiments(np.ones(N_BINS), expected, sf, np.full_like(sf, 0.1), covariance, 1000)


def history(offset: float, n_passes: int = 3) -> dict[str, list[float]]:
    columns = {"pass": list(range(1, n_passes + 1))}
    for number, name in enumerate(
        [f"{part}_{net}_b" for net in ("discriminator", "scale_factor") for part in ("train", "validation")]
    ):
        columns[name] = [offset + number + 0.1 * step for step in range(n_passes)]
    return columns | {"sf_min_b": [0.5] * n_passes, "sf_max_b": [1.5 + offset] * n_passes}
