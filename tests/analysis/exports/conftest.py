"""A small measurement and an untrained ensemble: shifts, bins not measured, normalisation in bins of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsf.binned.flavour import BinnedFlavour, ShiftedValues
from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.flavours import Flavour, hadron_flavours
from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.exports.corrections import Label
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bins import FlavourBins, KinematicBins
from deepsf.probes.entries import Jets, logit
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import NormalisationTable, SmoothNormalisation

FLAVOURS = {
    "b": Flavour(hadron_flavours=(5,)),
    "c": Flavour(hadron_flavours=(4,), scale_factor="unity"),
    "udsg": Flavour(hadron_flavours=(0,)),
}
CODES = {"b": 5, "c": 4, "udsg": 0}
SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "logit"),
    np.array([np.log(20.0), 0.0, -9.0]),
    np.array([np.log(600.0), 2.5, 9.0]),
    np.array([4.0, 1.0, 0.0]),
    np.array([0.5, 0.5, 3.0]),
)


def _flavour(seed, pt, abseta, disc, inner_pt, inner_abseta, transform="logit", shifts=()) -> BinnedFlavour:
    rng = np.random.default_rng(seed)
    bins = FlavourBins(np.array(pt, float), np.array(abseta, float), np.array(disc, float))
    centres = 0.5 * (bins.discriminant[1:-1] + np.minimum(bins.discriminant[2:], 0.999))
    kinematic = KinematicBins(np.array(inner_pt), np.array(inner_abseta))

    def values() -> ShiftedValues:
        sf = rng.uniform(0.7, 1.4, bins.shape)
        table = NormalisationTable(kinematic, rng.uniform(0.95, 1.05, kinematic.size))
        return ShiftedValues(sf, sf[..., 1:] * 1.01, {"binned": table, "binned_smooth": table})

    nominal = values()
    # not measured: an invalid bin, an inner and a last bin, all but one of a row, a whole row
    measured = np.ones(bins.shape, bool)
    for place in ((0, 0, 0), (0, 0, 3), (1, 0, -1), (2, 0, slice(2, None)), (-1, -1, slice(1, None))):
        measured[place] = False
    nominal.sf[~measured], nominal.smooth[~measured[..., 1:]] = 1.0, 1.0
    return BinnedFlavour(
        bins=bins,
        sf=nominal.sf,
        measured=measured,
        error=np.full(bins.shape, 0.01),
        replicas=np.ones((2, *bins.shape)),
        replica_measured=np.ones((2, *bins.shape), bool),
        replica_divisors=np.ones((2, *bins.shape[:-1])),
        node=logit(centres) if transform == "logit" else centres,
        smooth=nominal.smooth,
        transform=transform,
        normalisation=nominal.normalisation,
        shifts={name: values() for name in shifts},
    )


def measurement(transform="logit") -> BinnedScaleFactor:
    coherent = ("lf_up", "lf_down", "jesTotal_up", "jesTotal_down")
    b_bins = ([20, 30, 50, 100, 1000], [0, 2.5], [-2, 0, 0.2, 0.5, 0.8, 0.95, 1.01])
    light_bins = ([20, 30, 60, 1000], [0, 0.8, 2.5], [-2, 0, 0.02, 0.06, 0.15, 1.01])
    charm_bins = ([20, 50, 100, 1000], [0, 2.5], [-2, 0, 0.2, 0.5, 0.8, 1.01])
    statistics = ("lfstats1_up", "lfstats1_down")
    errors = tuple(f"cferr{k}_{d}" for k in (1, 2) for d in ("up", "down"))
    b = _flavour(1, *b_bins, [27.123456, 64.3, 140.7], [0.71], transform, coherent)
    light = _flavour(2, *light_bins, [30.0, 44.4], [0.8, 1.618034], transform, (*coherent, *statistics))
    charm = _flavour(3, *charm_bins, [70.0], [], transform, errors)
    one = NormalisationTable(KinematicBins(np.array([]), np.array([])), np.array([1.0]))
    ones = np.ones(charm.bins.shape)
    charm = replace(charm, sf=ones, smooth=ones[..., 1:], normalisation={"binned": one, "binned_smooth": one})
    return BinnedScaleFactor({"b": b, "udsg": light}, (0.0,), {"c": charm})


def points(n, seed=5) -> Jets:
    """Return jets all over the range, dense at low scores, at high scores and on the edges; some without a score."""
    rng = np.random.default_rng(seed)
    low, high, even = rng.random(n), rng.random(n), rng.random(n)
    scores = np.select(
        [even < 0.3, even < 0.6, even < 0.65], [10 ** (-6 * low), 1 - 10 ** (-6 * high), -1.0], rng.random(n)
    )
    pt = np.where(rng.random(n) < 0.05, rng.choice([20.0, 30.0, 50.0, 64.3, 100.0, 140.7], n), 20 * 60 ** rng.random(n))
    abseta = np.where(rng.random(n) < 0.05, rng.choice([0.0, 0.71, 0.8], n), 2.4999 * rng.random(n))
    return Jets(*(v.astype(np.float32) for v in (pt, abseta, scores)), np.zeros(n, np.int8))


def inclusive_jets(n=2000) -> InclusiveJets:
    """Return jets of all flavours in turn, of weight 1."""
    jets = points(n)
    flavour = np.arange(n, dtype=np.int8) % 3
    jets = Jets(jets.pt_gev, jets.abseta, jets.discriminant, flavour)
    return InclusiveJets(np.zeros(n, np.int64), np.ones(n), jets)


def member(seed):
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=2, units=16, generator=generator) for f in ("b", "udsg")}
    with torch.no_grad():  # as they start, they are less smooth than trained ones
        for network in networks.values():
            for parameter in network.parameters():
                parameter *= 0.5
    rng = np.random.default_rng(seed)
    bins = KinematicBins(np.array([31.5, 77.25]), np.array([1.3]))
    nodes = np.array([25.0, 50.0, 120.0]), np.array([0.6, 1.8])
    tables = {f: SmoothNormalisation(bins, *nodes, rng.uniform(0.9, 1.1, (3, 2))) for f in networks}
    return MemberScaleFactor(Architecture(2, 16, 1.5), dict.fromkeys(networks, SCALING), networks, tables)


def method_errors() -> MethodErrors:
    """Return errors of all kinds: bootstraps, one shift, cells, no extrapolation."""
    ensemble = EnsembleScaleFactor(tuple(member(seed) for seed in range(4)), hadron_flavours(FLAVOURS))
    refits = Refits(
        tuple(member(seed) for seed in range(10, 15)), member(20), {"hf_up": member(21), "hf_down": member(22)}
    )
    cells = ErrorCells(np.array([60.0]), np.array([0.3]), np.full(2, 0.05), np.full((2, 2), 0.02))
    return MethodErrors(ensemble, refits, {"b": cells, "udsg": cells}, extrapolation=0.0)


@pytest.fixture(scope="module")
def errors():
    return method_errors()


@pytest.fixture(scope="module")
def ensemble(errors):
    return errors.ensemble


@pytest.fixture
def binned():
    return measurement()


@pytest.fixture
def label():
    return Label("deepJet_shape", "deepJet", "btagDeepFlavB", "toy", "For tests.", ("hf", "lf", "cferr1", "cferr2"))
