"""The results that figures of efficiencies are tested on: made by hand, so that no change of the audit changes them."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from deepsf.efficiency.audit.closure import ModelYields, RegionYields
from deepsf.efficiency.audit.correlation import TagCorrelation
from deepsf.efficiency.audit.jet_closure import Profile, Reliability
from deepsf.efficiency.audit.non_closure import NonClosureCheck
from deepsf.efficiency.audit.results import EfficiencyClosure, PointClosure, Quality, SampleClosure
from deepsf.efficiency.audit.spread import SpreadCheck
from deepsf.plots.style import Style

FLAVOURS = ("b", "c", "udsg")
STYLE = Style(
    "DeepSF",
    "Toy simulation",
    "b-tag discriminant",
    flavour_colours={"b": "#3f90da", "c": "#ffa90e", "udsg": "#94a4a2"},
)
LACKING = replace(STYLE, members="18 of 20 members")
PAIRS = ("b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg")
_PAIR_SHARES = np.array([0.6, 0.2, 0.12, 0.05, 0.02, 0.01])
_MEAN_WEIGHT = np.array([0.3, 0.5, 0.1, 0.02, 0.03, 0.003, 0.0005])
"""Of all events, and by pair."""
_SAME_FLAVOUR = np.array([0.9, 0.0, 0.0, 0.09, 0.0, 0.01])
_DEVIATION = {"map": 1.4, "map_delta_r": 0.1, "closest_jet": 0.06, "pairwise": 0.03, "gnn": 0.01}
"""Of a model in the first bin; in the last one it is the opposite of half of that."""
_EDGES = {
    "delta_r": np.array([0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 4.0, 5.0]),
    "pt_gev": np.array([20.0, 40.0, 60.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0]),
    "eta": np.linspace(-2.5, 2.5, 11),
    "mass_gev": np.linspace(0.0, 500.0, 11),
    "n_jets": np.arange(1.5, 7.0),
    "closest_flavour": np.arange(-0.5, 3.0),
    "total": np.array([-0.5, 0.5]),
}


def _models(expected, names):
    """Return what models predict where the truth expects this; the last axis holds the bins."""
    slope = np.linspace(1.0, -0.5, expected.shape[-1])
    return {name: expected * (1 + _DEVIATION[name] * slope) for name in names}


def _fluctuated(expected):
    """Return whole numbers within two standard deviations of those expected."""
    pulls = np.resize([0.4, -1.1, 0.8, -0.3, 1.6, -0.7, 0.1], expected.shape)
    return np.floor(np.maximum(expected + pulls * np.sqrt(expected), 0.0))


def _yields(edges, categories, expected, names, has_truth) -> RegionYields:
    weight = _MEAN_WEIGHT[: len(categories), None]
    models = {
        name: ModelYields(values, weight * values, values, (0.02 * values) ** 2 if name == "gnn" else None)
        for name, values in (_models(expected, names) | ({"truth": expected} if has_truth else {})).items()
    }
    direct = _fluctuated(expected)
    return RegionYields(edges, categories, direct, direct, models)


def _regions(n_events, shares, names, has_truth):
    found = {}
    for region, share in (("1tag", 0.3), ("2tag", 0.08)):
        found[region] = {}
        for variable, edges in _EDGES.items():
            n = len(edges) - 1
            falling = np.exp(-0.4 * np.arange(n)) if n > 1 else np.ones(1)
            by_pair = share * n_events * shares[:, None] * falling / falling.sum()
            expected = np.concatenate([by_pair.sum(axis=0, keepdims=True), by_pair])
            found[region][variable] = _yields(edges, ("inclusive", *PAIRS), expected, names, has_truth)
    return found


def _profile(edges, names, has_truth) -> Profile:
    turn_on = 1.0 - 0.5 * np.exp(-np.arange(len(edges) - 1.0))
    true = np.outer([0.7, 0.15, 0.01], turn_on)
    models = _models(true, names)
    spread = {"gnn": 0.02 * models["gnn"]}
    error = 0.03 * np.sqrt(true)
    rate = true + 0.5 * error * np.resize([1.0, -1.0], true.shape)
    return Profile(
        edges, np.full(true.shape, 1e3), rate, error, models | ({"truth": true} if has_truth else {}), spread
    )


def _sample(n_events, shares=_PAIR_SHARES, names=tuple(_DEVIATION), has_truth=True, share=1.0) -> SampleClosure:
    spectrum = n_events * np.array([[0.35, 0.42, 0.19, 0.035, 0.005]])
    return SampleClosure(
        n_events=n_events,
        share=share,
        has_truth=has_truth,
        regions=_regions(n_events, shares, names, has_truth),
        n_tags=_yields(np.arange(-0.5, 5.0), ("inclusive",), spectrum, names, has_truth),
        profiles={name: _profile(_EDGES[name], names, has_truth) for name in ("pt_gev", "eta", "delta_r")},
    )


def _reliability(deviation) -> Reliability:
    predicted = np.outer([0.8, 0.25, 0.02], np.linspace(0.5, 1.0, 10))
    error = 0.02 * np.sqrt(predicted)
    rate = predicted * (1 + deviation * np.linspace(-1.0, 1.0, 10)) + 0.5 * error * np.resize([1.0, -1.0], 10)
    chi2 = (((rate - predicted) / error) ** 2).sum(axis=1)
    return Reliability(predicted, rate, error, chi2, np.full(3, 10))


def _correlation(value) -> TagCorrelation:
    error = np.array([0.004, 0.006, 0.005, 0.012, 0.008, 0.006])
    values = value * np.array([1.0, 0.4, -0.6, 0.8, -0.2, 0.5]) + 0.5 * error * np.resize([1.0, -1.0], 6)
    return TagCorrelation(PAIRS, values, error, np.full(6, 10_000), 0)


def _spread() -> SpreadCheck:
    spread = np.outer([0.005, 0.02, 0.06], np.linspace(0.5, 2.0, 10))
    deviation = spread * np.linspace(1.1, 0.9, 10)
    figures = np.array([[1.02, 1.1, 1.3], [-0.1, 0.0, 0.2], [0.95, 1.05, 1.2], [0.1, 0.1, 0.1], [0.0, 0.009, 0.05]])
    return SpreadCheck(*figures, spread, deviation, np.zeros(3, int))


def _non_closure() -> NonClosureCheck:
    pt_gev, delta_r = np.array([20.0, 60.0, 100.0, 200.0, 400.0, 1000.0]), np.array([0.0, 0.4, 0.8, 1.5, 3.2])
    size = np.array([0.01, 0.03, 0.1])[:, None, None]
    deviation = size * np.linspace(1.5, -1.0, 20).reshape(5, 4)
    statistical, spread = np.full((3, 5, 4), 0.5 * size), np.full((3, 5, 4), 0.3 * size)
    tau2 = np.array([0.6, 0.5, 0.0])[:, None, None] * size**2
    shrunk = tau2 / (tau2 + statistical**2 + spread**2)
    systematic = np.sqrt((shrunk * deviation) ** 2 + tau2 * (1 - shrunk))
    return NonClosureCheck(
        pt_gev,
        delta_r,
        deviation,
        statistical,
        spread,
        shrunk * deviation,
        systematic,
        tau2[:, 0, 0],
        0.3 * size[:, 0, 0] ** 2,
        np.array([4.1, 2.6, -0.4]),
        np.full((3, 5, 4), 100.0),
        None,
    )


@functools.cache
def closure() -> EfficiencyClosure:
    correlations = {"map": 0.05, "map_delta_r": 0.03, "closest_jet": 0.01, "pairwise": 0.004, "gnn": 0.002}
    return EfficiencyClosure(
        flavours=FLAVOURS,
        working_point="M",
        nominal="gnn",
        n_members={"gnn": 5, "pairwise": 3, "closest_jet": 3},
        samples={
            "test": _sample(30_000),
            "scalar": _sample(10_000, _SAME_FLAVOUR),
            "train": _sample(60_000, names=("gnn",)),
        },
        reliability={name: _reliability(deviation) for name, deviation in _DEVIATION.items()},
        correlation={
            **{name: _correlation(value) for name, value in correlations.items()},
            "truth": _correlation(0.0),
            "injected": _correlation(0.2),
        },
        spread=_spread(),
        non_closure=_non_closure(),
        other_points={
            "T": PointClosure(
                _sample(30_000),
                {name: _reliability(deviation) for name, deviation in _DEVIATION.items()},
                _correlation(0.01),
                Quality(0.983, np.array([0.008, 0.02, 0.1])),
            )
        },
        quality=Quality(0.983, np.array([0.006, 0.012, 0.035])),
    )


@functools.cache
def without_truth() -> EfficiencyClosure:
    whole = closure()
    return whole._replace(
        samples={
            "test": _sample(5000, has_truth=False, share=0.25),
            "train": _sample(15_000, names=("gnn",), has_truth=False, share=0.75),
        },
        correlation={n: found for n, found in whole.correlation.items() if n not in ("truth", "injected")},
        spread=None,
        quality=None,
    )


def without_charm() -> EfficiencyClosure:
    """Return the closure on events of which none has a c jet."""
    whole = closure()
    lacking, nan = np.array([1.0, np.nan, 1.0])[:, None], np.nan

    def of_region(yields: RegionYields) -> RegionYields:
        kept = np.array([name == "inclusive" or "c" not in name.split("_") for name in yields.categories])[:, None]
        models = {
            name: ModelYields(*(None if part is None else np.where(kept, part, 0.0) for part in model))
            for name, model in yields.models.items()
        }
        return yields._replace(direct=yields.direct * kept, direct_variance=yields.direct * kept, models=models)

    def of_profile(profile: Profile) -> Profile:
        by_model = ({name: v * lacking for name, v in part.items()} for part in (profile.models, profile.spread))
        return Profile(
            profile.edges, profile.weight, profile.tag_rate * lacking, profile.tag_error * lacking, *by_model
        )

    test = whole.samples["test"]
    sample = test._replace(
        regions={r: {v: of_region(y) for v, y in variables.items()} for r, variables in test.regions.items()},
        profiles={name: of_profile(profile) for name, profile in test.profiles.items()},
    )
    reliability = {
        name: Reliability(*(part * lacking for part in found[:3]), found.chi2 * [1, 0, 1], found.ndf * [1, 0, 1])
        for name, found in whole.reliability.items()
    }
    cells = whole.non_closure
    by_cell = ("deviation", "statistical", "spread", "mean", "systematic")
    empty = {name: getattr(cells, name) * [[[1]], [[nan]], [[1]]] for name in by_cell}
    of_flavour = {name: getattr(cells, name) * [1, nan, 1] for name in ("tau2", "tau2_error", "significance")}
    non_closure = cells._replace(**empty, **of_flavour)
    return whole._replace(samples={"test": sample}, reliability=reliability, non_closure=non_closure)
