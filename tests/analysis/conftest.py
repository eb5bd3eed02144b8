"""A campaign without noise: data are the simulated entries, weighted with the scale factor that was put in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from deepsf.config.binned import Bins
from deepsf.config.regions import Region
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries

FLAVOURS = ("b", "c", "udsg")
_PT = np.array([25.0, 45.0, 80.0, 150.0])
_ABSETA = np.array([0.4, 1.2, 2.0])
_SCORES = np.array([-1.0, 0.02, 0.2, 0.5, 0.9])


@dataclass(frozen=True)
class NoiselessToy:
    entries: dict[str, RegionEntries]
    regions: dict[str, Region]
    bins: dict[str, Bins]
    truth: dict[str, np.ndarray]


@pytest.fixture
def noiseless_toy():
    """Entries on a grid of (pT, |eta|, score) x tag jets; scores of each flavour distributed alike at all kinematics.

    The injected S is constant per bin and has mean 1 over its flavour's scores in every (pT, |eta|) bin: shape only.
    """
    bins = {
        "b": Bins(pt_gev=(20, 60, 300), abseta=(0, 2.5), discriminant=(-2, 0, 0.1, 0.3, 0.7, 1)),
        "udsg": Bins(pt_gev=(20, 40, 100, 300), abseta=(0, 1, 2.5), discriminant=(-2, 0, 0.1, 0.3, 1)),
    }
    share = {
        "b": np.array([0.02, 0.08, 0.1, 0.2, 0.6]),
        "c": np.array([0.05, 0.35, 0.3, 0.2, 0.1]),
        "udsg": np.array([0.05, 0.6, 0.2, 0.1, 0.05]),
    }
    rng = np.random.default_rng(3)
    truth = {}
    for flavour, binning in bins.items():
        edges = FlavourBins.of(binning)
        sf = rng.uniform(0.8, 1.25, edges.shape)
        per_bin = np.bincount(np.searchsorted(edges.discriminant[1:-1], _SCORES, side="right"), share[flavour])
        truth[flavour] = sf / (sf * per_bin).sum(axis=-1, keepdims=True)
    mixture = {"hf": {"b": 0.8, "c": 0.05, "udsg": 0.15}, "lf": {"b": 0.06, "c": 0.09, "udsg": 0.85}}
    tags = {"hf": [(1.0, 0.9, "b"), (0.3, 0.5, "b"), (0.1, 0.9, "udsg")], "lf": [(1.0, 0.02, "udsg"), (0.2, 0.02, "b")]}
    regions = {
        "hf": Region(enriched_flavour="b", channels=("emu",), tag_above=0.4),
        "lf": Region(enriched_flavour="udsg", channels=("ee",), tag_below=0.05),
    }
    entries = {name: _entries(mixture[name], share, tags[name], bins, truth) for name in mixture}
    return NoiselessToy(entries, regions, bins, truth)


def _entries(mixture, share, tags, bins, truth) -> RegionEntries:
    grid = list(product(_PT, _ABSETA, range(len(_SCORES)), FLAVOURS, tags))
    probe = _jets([(pt, abseta, _SCORES[k], f) for pt, abseta, k, f, _ in grid])
    tag = _jets([(70.0, 0.7, score, flavour) for *_, (_, score, flavour) in grid])
    weight = np.array([mixture[f] * share[f][k] * tag_weight for _, _, k, f, (tag_weight, _, _) in grid])
    n = len(grid)
    simulation = ProbeEntries(np.arange(n), weight, np.zeros(n, np.int8), probe, tag)
    true = injected(probe, bins, truth) * injected(tag, bins, truth)
    unlabelled = Jets(probe.pt_gev, probe.abseta, probe.discriminant, np.full(n, -1, np.int8))
    data = ProbeEntries(np.arange(n), 1.3 * weight * true, np.zeros(n, np.int8), unlabelled, tag)
    return RegionEntries(data, simulation)


def _jets(rows) -> Jets:
    pt, abseta, score, flavour = zip(*rows, strict=True)
    columns = (np.array(values, np.float32) for values in (pt, abseta, score))
    return Jets(*columns, np.array([FLAVOURS.index(f) for f in flavour], np.int8))


def injected(jets: Jets, bins, truth) -> np.ndarray:
    sf = np.ones(len(jets))
    for flavour, binning in bins.items():
        chosen = jets.flavour == FLAVOURS.index(flavour)
        index = FlavourBins.of(binning).index(jets)
        sf[chosen] = truth[flavour].ravel()[index[chosen]]
    return sf
