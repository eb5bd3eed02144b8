"""The tabulated mean of an ensemble, against the networks themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from deepsf.audit.ensemble_mean import ExactMean, TabulatedMean, ensemble_mean, interpolation_rms
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.weights import SmoothNormalisation

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}
SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "logit"),
    np.array([np.log(20.0), 0.0, -9.0]),
    np.array([np.log(600.0), 2.5, 9.0]),
    np.array([4.0, 1.0, 0.0]),
    np.array([0.5, 0.5, 3.0]),
)


def member(seed: int) -> MemberScaleFactor:
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=2, units=16, generator=generator) for f in ("b", "udsg")}
    with torch.no_grad():  # as smooth as trained ones
        for network in networks.values():
            for parameter in network.parameters():
                parameter *= 0.5
    bins = KinematicBins(np.array([31.5, 77.25]), np.array([1.3]))
    nodes = np.array([25.0, 50.0, 120.0]), np.array([0.6, 1.8])
    divisors = np.random.default_rng(seed).uniform(0.9, 1.1, (3, 2))
    tables = {f: SmoothNormalisation(bins, *nodes, divisors) for f in networks}
    return MemberScaleFactor(Architecture(2, 16, 1.5), dict.fromkeys(networks, SCALING), networks, tables)


ENSEMBLE = EnsembleScaleFactor(tuple(member(seed) for seed in range(3)), CODES)


def jets(n: int = 2000) -> Jets:
    rng = np.random.default_rng(1)
    score = rng.beta(0.5, 0.5, n).astype(np.float32)
    score[:50] = -1.0
    pt, eta = (20 + rng.exponential(60, n)).astype(np.float32), rng.uniform(0, 2.5, n).astype(np.float32)
    return Jets(pt, eta, score, rng.integers(0, 3, n).astype(np.int8))


def test_the_table_follows_the_mean_across_the_nodes_of_the_normalisation():
    mean, sample = ensemble_mean(ENSEMBLE, abseta_max=2.5), jets()
    assert isinstance(mean, TabulatedMean)
    for flavour in ("b", "udsg"):
        exact = ENSEMBLE.member_values(flavour, sample).mean(axis=0)
        assert exact.std() > 0.05  # there is something to follow
        # networks at random have sharper kinks than trained ones, of which the table is a few times closer
        away = np.abs(mean(flavour, sample) - exact)
        assert np.sqrt(np.mean(away**2)) < 0.005
        assert away.max() < 0.02
    np.testing.assert_allclose(mean("b", sample)[:50], ENSEMBLE.member_values("b", sample[:50]).mean(axis=0), atol=0.01)


def test_charm_is_one():
    np.testing.assert_array_equal(ensemble_mean(ENSEMBLE, abseta_max=2.5)("c", jets()), 1.0)


def test_its_error_is_reported_by_flavour():
    mean, sample = ensemble_mean(ENSEMBLE, abseta_max=2.5), jets()
    rms = interpolation_rms(mean, ENSEMBLE, sample, tuple(CODES))
    assert set(rms) == {"b", "udsg"}
    mine = sample[np.flatnonzero(sample.flavour == 2)]
    away = mean("udsg", mine) - ENSEMBLE.member_values("udsg", mine).mean(axis=0)
    np.testing.assert_allclose(rms["udsg"], np.sqrt(np.mean(away**2)))
    assert 0 < rms["udsg"] < 0.005


def test_networks_with_further_inputs_are_asked_themselves():
    further = replace(SCALING, names=(*SCALING.names[:2], "qgl"))
    members = tuple(replace(m, scalings=dict.fromkeys(m.networks, further)) for m in ENSEMBLE.members)
    assert isinstance(ensemble_mean(EnsembleScaleFactor(members, CODES), abseta_max=2.5), ExactMean)
