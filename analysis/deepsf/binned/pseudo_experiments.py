"""Pseudo-experiments of the binned measurement: bias of its values, size of its errors, its covariance.

Events of two regions are sorted into types: flavour, pT and score of both jets. Every experiment draws how many events
of each type data and simulation have; an event whose jets both tag has two entries, as in a real measurement. All
experiments, and all their bootstraps, are variations of the measuring iteration, over one entry a type and permutation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from deepsf.arrays import Bools, Floats
from deepsf.binned.measurement import spread
from deepsf.binned.tag_and_probe import Iterated, TagAndProbe
from deepsf.config.regions import Region
from deepsf.config.weights import EventWeight
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries, joined_entries
from deepsf.seeds import seed_sequence

FLAVOURS, MEASURED = ("b", "c", "udsg"), ("b", "udsg")
SCORES = np.array([-1.0, 0.02, 0.1, 0.25, 0.5, 0.8, 0.95])
PT_GEV, PT_SHARES = np.array([40.0, 90.0]), np.array([0.55, 0.45])
SHARES = {  # of the scores among jets of a flavour; invalid ones are so rare that their bins are left out
    "b": np.array([5e-5, 0.05, 0.05, 0.08, 0.12, 0.2, 0.49995]),
    "c": np.array([5e-5, 0.3, 0.25, 0.2, 0.145, 0.06, 0.04495]),
    "udsg": np.array([5e-5, 0.7, 0.18, 0.07, 0.03, 0.0135, 0.00645]),
}
EDGES = {
    "b": np.array([-2.0, 0.0, 0.05, 0.2, 0.4, 0.6, 0.9, 1.0]),
    "udsg": np.array([-2.0, 0.0, 0.05, 0.2, 0.4, 0.6, 1.0]),
}
REGIONS = {
    "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.4),
    "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.05),
}
# flavours of both jets: events that the region is after, and all others
PAIRS: dict[str, tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]] = {
    "hf": ({("b", "b"): 1.0}, {("b", "udsg"): 0.7, ("b", "c"): 0.1, ("udsg", "udsg"): 0.2}),
    "lf": ({("udsg", "udsg"): 1.0}, {("c", "udsg"): 0.5, ("b", "udsg"): 0.4, ("c", "c"): 0.1}),
}
MIN_EXPECTED = 25.0
"""Bins with fewer expected data entries are listed and left out."""
_VARIATIONS_AT_ONCE = 500


@dataclass(frozen=True)
class Model:
    """Expected events of both regions, and the scale factors in them.

    The entries of ``method`` have weight 1 and stand for one type of event and permutation each; ``event`` is the type.
    ``data`` and ``simulation`` hold by region the expected number of events of each type.
    """

    method: TagAndProbe
    truth: dict[str, Floats]
    data: dict[str, Floats]
    simulation: dict[str, Floats]

    def variations(self, names: tuple[str, ...], data: dict[str, Floats], simulation: dict[str, Floats]) -> Iterated:
        """Return the scale factors of numbers of events of shape ``(n_types, n)``."""
        entries = self.method.entries
        variations = self.method.variations(
            names,
            data={name: events[entries[name].data.event] for name, events in data.items()},
            simulation={name: events[entries[name].simulation.event] for name, events in simulation.items()},
            column=np.arange(len(names), dtype=np.int32),
        )
        return self.method.iterate(variations, max_change=1e-5, max_iterations=200)

    @property
    def flat_truth(self) -> Floats:
        """True scale factors as `TagAndProbe.iterate` gives the measured ones."""
        return self.method.joined(self.truth)


@dataclass(frozen=True)
class Experiments:
    """Results of many pseudo-experiments.

    Attributes
    ----------
    expected
        Expected data entries by bin in the region of the flavour, shape ``(n_bins,)``.
    sf, error
        Measured scale factors and their bootstrap errors, shape ``(n_experiments, n_bins)``.
    covariance
        Bootstrap covariance of each experiment, shape ``(n_experiments, n_used, n_used)``.
    """

    truth: Floats
    expected: Floats
    sf: Floats
    error: Floats
    covariance: Floats
    n_bootstrap: int

    @property
    def is_used(self) -> Bools:
        """Whether a bin has enough expected entries, shape ``(n_bins,)``."""
        return self.expected >= MIN_EXPECTED

    @property
    def pulls(self) -> Floats:
        """(measured - true) / error in the used bins, shape ``(n_experiments, n_used)``."""
        used = self.is_used
        return np.asarray(((self.sf - self.truth) / self.error)[:, used])

    def chi2_per_ndf(self) -> Floats:
        """Return chi2 / ndf of each experiment with its own covariance, shape ``(n_experiments,)``.

        The inverse of a covariance from n bootstraps of p bins is too large by (n - 1) / (n - p - 2) on average
        (Hartlap et al., astro-ph/0608064); that is taken out.
        """
        difference = (self.sf - self.truth)[:, self.is_used]
        n, p = self.n_bootstrap, difference.shape[1]
        solved = np.linalg.solve(self.covariance, difference[..., None])[..., 0]
        return np.asarray((n - p - 2) / (n - 1) * (difference * solved).sum(axis=1) / p)

    def chi2_per_ndf_of_mean(self) -> Floats:
        """Return chi2 / ndf of each experiment with the mean of all covariances, shape ``(n_experiments,)``."""
        difference = (self.sf - self.truth)[:, self.is_used]
        solved = np.linalg.solve(self.covariance.mean(axis=0), difference.T).T
        return np.asarray((difference * solved).sum(axis=1) / difference.shape[1])

    def summary(self) -> dict[str, float]:
        """Return the figures that the pulls are judged by.

        Means and widths averaged over bins, the largest distance of a bin's mean from 0 and of its width from 1 in
        units of their own errors, and mean chi2 / ndf.
        """
        pulls = self.pulls
        n, mean, width = len(pulls), pulls.mean(axis=0), pulls.std(axis=0, ddof=1)
        return {
            "n_experiments": n,
            "n_bins": pulls.shape[1],
            "n_left_out": int((~self.is_used).sum()),
            "mean": float(mean.mean()),
            "width": float(width.mean()),
            "max_mean_sigma": float((np.abs(mean) * np.sqrt(n) / width).max()),
            "max_width_sigma": float((np.abs(width - 1.0) * np.sqrt(2.0 * n)).max()),
            "chi2_per_ndf": float(self.chi2_per_ndf().mean()),
            "chi2_per_ndf_of_mean": float(self.chi2_per_ndf_of_mean().mean()),
        }


def model(purity_hf: float, purity_lf: float, *, n_events: float, simulation_over_data: float = 4.0) -> Model:
    """Return a measurement of two regions of the given purities, each of ``n_events`` data events.

    The scale factors have mean 1 over the scores at every flavour and pT: shapes, as they are measured.

    Raises
    ------
    ValueError
        If no mixture of events has such a purity.
    """
    bins = {name: FlavourBins(np.array([20.0, 60.0, 1000.0]), np.array([0.0, 2.5]), EDGES[name]) for name in MEASURED}
    truth = _true_scale_factors(bins)
    entries, data, simulation = {}, {}, {}
    for name, purity in (("hf", purity_hf), ("lf", purity_lf)):
        types, expected = _event_types(name, purity)
        sf = np.prod([_sf_of(types.jets[k], bins, truth) for k in (0, 1)], axis=0)
        scale = n_events / float((expected * sf).sum())
        entries[name] = types.entries()
        data[name], simulation[name] = scale * expected * sf, simulation_over_data * scale * expected
    method = TagAndProbe(entries, REGIONS, FLAVOURS, bins, EventWeight(n_pt=len(PT_GEV), n_abseta=1))
    return Model(method, truth, data, simulation)


def run(model: Model, *, n_experiments: int, n_bootstrap: int, seed: int) -> Experiments:
    """Measure ``n_experiments`` side by side, then the bootstraps of each."""
    streams = {
        kind: {name: np.random.default_rng(seed_sequence(seed, "pseudo-experiments", kind, name)) for name in events}
        for kind, events in (("data", model.data), ("simulation", model.simulation))
    }
    data, simulation = (
        _poisson(streams[kind], {name: np.repeat(n[:, None], n_experiments, axis=1) for name, n in events.items()})
        for kind, events in (("data", model.data), ("simulation", model.simulation))
    )
    sf = model.variations(tuple(f"experiment {k}" for k in range(n_experiments)), data, simulation).sf
    expected = _expected_entries(model)
    used = expected >= MIN_EXPECTED
    errors, covariances = np.empty_like(sf), np.empty((n_experiments, used.sum(), used.sum()))
    at_once = max(1, _VARIATIONS_AT_ONCE // n_bootstrap)
    for first in range(0, n_experiments, at_once):
        batch = np.arange(first, min(first + at_once, n_experiments))
        repeated = np.repeat(batch, n_bootstrap)
        # the sum of n Poisson(1) factors of the n events of a type
        replicas = model.variations(
            tuple(f"experiment {k}, bootstrap" for k in repeated),
            _poisson(streams["data"], {name: events[:, repeated] for name, events in data.items()}),
            _poisson(streams["simulation"], {name: events[:, repeated] for name, events in simulation.items()}),
        )
        values = replicas.sf.reshape(len(batch), n_bootstrap, -1)
        for k, of_experiment, known in zip(batch, values, replicas.measured.reshape(values.shape), strict=True):
            errors[k] = spread(of_experiment, known)
            covariances[k] = np.cov(of_experiment[:, used], rowvar=False)
    return Experiments(model.flat_truth, expected, sf, errors, covariances, n_bootstrap)


def _poisson(streams: Mapping[str, np.random.Generator], expected: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return numbers of events by region, each from the region's stream."""
    return {name: streams[name].poisson(events).astype(np.float64) for name, events in expected.items()}


def _expected_entries(model: Model) -> Floats:
    method, parts = model.method, {}
    for name, region in REGIONS.items():
        entries, flavour = method.entries[name].data, region.enriched_flavour
        bins = method.bins[flavour]
        index = bins.index(entries.probe)
        parts[flavour] = np.bincount(index, model.data[name][entries.event], bins.size).astype(float)
    return method.joined(parts)


@dataclass(frozen=True)
class _EventTypes:
    """Both jets of each type of event, and whether they tag, shapes ``(n_types,)``."""

    jets: tuple[Jets, Jets]
    tags: tuple[Bools, Bools]

    def entries(self) -> RegionEntries:
        """Return the entries of both permutations; data and simulation have the same."""
        permutations = []
        for tag in (0, 1):
            event = np.flatnonzero(self.tags[tag])
            n = len(event)
            probe, tagging = self.jets[1 - tag][event], self.jets[tag][event]
            permutations.append(ProbeEntries(event, np.ones(n), np.zeros(n, np.int8), probe, tagging))
        both = joined_entries(permutations)
        return RegionEntries(both, both)


def _event_types(region: str, purity: float) -> tuple[_EventTypes, Floats]:
    """Return the types of events of a region with at least one tag jet, and the probability of each."""
    wanted, rest = PAIRS[region]
    rows, probabilities = [], []
    for pair in dict.fromkeys((*wanted, *rest)):
        for first, second in product(product(range(len(PT_GEV)), range(len(SCORES))), repeat=2):
            share = SHARES[pair[0]][first[1]] * SHARES[pair[1]][second[1]] * PT_SHARES[first[0]] * PT_SHARES[second[0]]
            rows.append((pair, first, second))
            probabilities.append([share * mixture.get(pair, 0.0) for mixture in (wanted, rest)])
    jets = tuple(_jets([(row[0][k], *row[1 + k]) for row in rows]) for k in (0, 1))
    above, below = REGIONS[region].tag_above, REGIONS[region].tag_below
    low = -np.inf if above is None else float(above)
    high = np.inf if below is None else float(below)
    tags = tuple((jet.discriminant > low) & (jet.discriminant < high) for jet in jets)
    expected = np.array(probabilities)
    index = FLAVOURS.index(REGIONS[region].enriched_flavour)
    entries = np.stack([tags[1 - k] * (expected.T) for k in (0, 1)]).sum(axis=(0, 2))
    enriched = np.stack([tags[1 - k] * (jets[k].flavour == index) * expected.T for k in (0, 1)]).sum(axis=(0, 2))
    # (f e_0 + (1 - f) e_1) / (f n_0 + (1 - f) n_1) = purity
    excess = enriched - purity * entries
    fraction = excess[1] / (excess[1] - excess[0])
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(
            f"region {region}: no mixture of its events has the purity {purity:g}; it lies between "
            f"{enriched[1] / entries[1]:.3g} and {enriched[0] / entries[0]:.3g}"
        )
    kept = np.flatnonzero(tags[0] | tags[1])
    mixed = expected @ np.array([fraction, 1.0 - fraction])
    chosen = _EventTypes((jets[0][kept], jets[1][kept]), (tags[0][kept], tags[1][kept]))
    return chosen, mixed[kept]


def _jets(rows: list[tuple[str, int, int]]) -> Jets:
    flavour, pt, score = zip(*rows, strict=True)
    return Jets(
        PT_GEV[list(pt)].astype(np.float32),
        np.ones(len(rows), np.float32),
        SCORES[list(score)].astype(np.float32),
        np.array([FLAVOURS.index(name) for name in flavour], np.int8),
    )


def _true_scale_factors(bins: dict[str, FlavourBins]) -> dict[str, Floats]:
    truth = {}
    for flavour, edges in bins.items():
        rng = np.random.default_rng(seed_sequence(5, "truth of pseudo-experiments", flavour))
        sf = rng.uniform(0.8, 1.25, edges.shape)
        column = np.searchsorted(edges.discriminant[1:-1], SCORES, side="right")
        truth[flavour] = sf / (sf * np.bincount(column, SHARES[flavour])).sum(axis=-1, keepdims=True)
    return truth


def _sf_of(jets: Jets, bins: dict[str, FlavourBins], truth: dict[str, Floats]) -> Floats:
    sf = np.ones(len(jets))
    for flavour, edges in bins.items():
        chosen = np.flatnonzero(jets.flavour == FLAVOURS.index(flavour))
        sf[chosen] = truth[flavour].ravel()[edges.index(jets[chosen])]
    return sf
