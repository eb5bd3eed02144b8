import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from deepsf import config
from deepsf.generator import kinematics, pseudo_data, rates, true_sf
from deepsf.generator.composition import Composition
from deepsf.generator.discriminant import TAGGERS, draw
from deepsf.generator.truth import load as effective_truth
from scripts.make_true_sf import NAME

ROOT = Path(__file__).parents[3]
TRUTH = ROOT / "configs" / "true_sf" / "toy.json"
GENERATOR = config.load(ROOT / "configs" / "toy.yaml").generator


@pytest.fixture(scope="module")
def ttbar_events():
    return kinematics.generate(np.random.default_rng(1), "ttbar", 150_000, Composition()).events


def closure(truth, flavour, n):
    """Chi2 of pseudo-data against simulation, plain and with the effective truth, and the number of bins."""
    rng = np.random.default_rng(7)
    pt, abseta = 20 + rng.exponential(40, n), rng.uniform(0, 2.5, n)
    codes = np.full(n, flavour)
    tagger = truth.tagger
    data = pseudo_data.discriminant_of_data(rng, tagger, truth.injected, codes, pt, abseta)
    simulation = draw(rng, tagger, codes, pt, abseta)
    valid = np.quantile(simulation[simulation > 0], np.linspace(0, 1, 9)[1:-1])
    edges = ([0, 30, 60, 1e4], [0, 0.8, 1.6, 2.5], [-3, *([0.0] if tagger.has_invalid else []), *valid, 1.1])

    def fill(values, weights):
        return np.histogramdd((pt, abseta, values), edges, weights=weights)[0].ravel()

    counts = fill(data, np.ones(n))
    results = []
    for weight in (np.ones(n), truth.evaluate(codes, abseta, pt, simulation)):
        variance = counts + fill(simulation, weight**2)
        results.append(((counts - fill(simulation, weight)) ** 2 / variance).sum())
    return *results, len(counts)


@pytest.mark.parametrize(
    ("branch", "flavour"), [("btagDeepFlavB", 5), ("btagDeepFlavB", 0), ("btagDeepB", 5), ("btagDeepB", 0)]
)
def test_pseudo_data_follow_the_effective_truth(branch, flavour):
    plain, weighted, n_bins = closure(effective_truth(TRUTH, NAME, "central", branch), flavour, 20_000)
    assert chi2.sf(plain, n_bins) < 1e-6
    assert chi2.sf(weighted, n_bins) > 1e-3


def test_charm_is_the_same_in_pseudo_data():
    plain, _, n_bins = closure(effective_truth(TRUTH, NAME, "central", "btagDeepFlavB"), 4, 10_000)
    assert chi2.sf(plain, n_bins) > 1e-3


def test_pseudo_data_follow_a_public_table():
    reference = os.environ.get("DEEPSF_REFERENCE_SF")
    if not reference:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    truth = effective_truth(Path(reference), "deepJet_shape", "central", "btagDeepFlavB")
    for flavour in (5, 0):
        plain, weighted, n_bins = closure(truth, flavour, 20_000)
        assert chi2.sf(plain, n_bins) < 1e-6
        assert chi2.sf(weighted, n_bins) > 1e-3


def test_no_jet_is_lost_and_untagged_jets_follow_simulation():
    rng = np.random.default_rng(1)
    injected = true_sf.load(TRUTH, NAME)
    arguments = np.full(500, 5), np.full(500, 60.0), np.full(500, 2.6)
    first = pseudo_data.discriminant_of_data(np.random.default_rng(3), TAGGERS["btagDeepFlavB"], injected, *arguments)
    second = draw(np.random.default_rng(3), TAGGERS["btagDeepFlavB"], *arguments)
    assert (first == second).all()
    inside = pseudo_data.discriminant_of_data(
        rng, TAGGERS["btagDeepFlavB"], injected, *arguments[:2], np.full(500, 1.0)
    )
    assert len(inside) == 500


class Injected:
    """A scale factor whose ceiling is wrong or that vanishes."""

    label = "sf.json, correction 'sf'"

    def __init__(self, value, ceiling):
        self.value, self.ceilings = value, np.full(3, ceiling)

    def evaluate(self, hadron_flavour, abseta, pt_gev, discriminant):
        return np.full(len(pt_gev), self.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, r"1\.5 for flavour 5 at .* exceeds the ceiling 1\.2"),
        (0.0, "no discriminant was accepted in 1000 draws for flavour 5"),
    ],
)
def test_a_value_above_the_ceiling_or_a_vanishing_one_is_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        pseudo_data.discriminant_of_data(
            np.random.default_rng(1),
            TAGGERS["btagDeepFlavB"],
            Injected(value, 1.2),
            np.full(4, 5),
            np.full(4, 50.0),
            np.ones(4),
        )


def two_events():
    """An ee event with jets of 180 and 20 GeV (and one outside), a mumu event with jets of 1000 and 60 GeV."""
    jets = kinematics.Jets(
        event=np.array([0, 0, 0, 1, 1]),
        pt_gev=np.array([20.0, 180.0, 300.0, 60.0, 1000.0]),
        eta=np.array([0.0, 1.0, 3.0, 0.0, 0.0]),
        phi=np.zeros(5),
        hadron_flavour=np.zeros(5, int),
        is_radiated=np.ones(5, bool),
        survival=np.zeros(5),
    )
    pair = np.ones((2, 2))
    pdg_id = np.array([[-11, 11], [-13, 13]])
    return kinematics.Events(pdg_id, pair, pair, pair, pair > 0, np.ones(2), np.ones(2), np.ones(2), jets)


def test_rate_by_hand():
    generator = GENERATOR.model_copy(update={"pt_tilt": 0.2, "rate_offsets": {"ee": 0.05, "mumu": -0.05}})
    # 180 = 3 x 60 and 20 = 60 / 3: (1 + 0.2) (1 - 0.2) = 0.96, times 1.05; the jet at |eta| = 3 is out of the filter
    # 1000 is clipped to 600: 1 + 0.2 ln(10)/ln(3) = 1.419181; 60 -> 1; times 0.95
    assert rates.rate(generator, two_events()) == pytest.approx([1.05 * 0.96, 0.95 * 1.419181], rel=1e-6)
    assert rates.max_rate(generator) == pytest.approx(1.05 * 1.419181**2, rel=1e-6)


@pytest.mark.parametrize("tilt", [-0.3, 0.3])
def test_no_rate_exceeds_the_largest_one(tilt):
    generator = GENERATOR.model_copy(update={"pt_tilt": tilt})
    events = kinematics.generate(np.random.default_rng(1), "ttbar", 20_000, Composition()).events
    rate = rates.rate(generator, events)
    assert rate.min() > 0
    assert rate.max() <= rates.max_rate(generator)


def test_thinning_gives_the_channels_their_offsets(ttbar_events):
    events = ttbar_events
    keep = rates.thin(np.random.default_rng(2), GENERATOR, events)
    rate = rates.rate(GENERATOR, events) / rates.max_rate(GENERATOR)
    channel = (np.abs(events.lepton_pdg_id) == 13).sum(axis=1)
    groups = [channel == k for k in range(3)]
    assert keep[groups[0]].mean() / keep[groups[2]].mean() == pytest.approx(1.05 / 0.95, abs=0.02)
    for group in groups:
        error = np.sqrt(rate[group].mean() / group.sum())
        assert keep[group].mean() == pytest.approx(rate[group].mean(), abs=4 * error)


@pytest.mark.parametrize("tilt", [0.1, -0.2])
def test_jet_spectrum_of_pseudo_data_is_tilted_by_the_configured_amount(tilt, ttbar_events):
    generator = GENERATOR.model_copy(update={"pt_tilt": tilt, "rate_offsets": {}})
    keep = rates.thin(np.random.default_rng(4), generator, ttbar_events)
    jets = ttbar_events.jets
    inside = np.flatnonzero((jets.pt_gev > 14) & (np.abs(jets.eta) < 2.7))
    order = inside[np.lexsort((-jets.pt_gev[inside], jets.event[inside]))]
    first = np.searchsorted(jets.event[order], np.arange(len(keep)))
    pt = jets.pt_gev[order][[first, first + 1]]
    factor = 1 + tilt * np.log(np.clip(pt, 20, 600) / 60) / np.log(3)
    largest = 1 + tilt * np.log((600 if tilt > 0 else 20) / 60) / np.log(3)
    edges = [14, 25, 40, 60, 90, 150, 900]
    # An event is kept with the product of both factors over that of the largest: without the other jet's factor, a
    # jet's own one is left.
    weight = np.where(keep, 1 / factor[::-1], 0)
    got, expected, flat = (
        np.histogram(pt, edges, weights=w)[0]
        for w in (weight, factor / largest**2, np.full(pt.shape, keep.mean() / factor.mean()))
    )
    error = np.sqrt(np.histogram(pt, edges, weights=weight**2)[0])
    assert np.abs((got - expected) / error).max() < 4
    deviation = (got - flat) / error * np.sign(tilt)
    assert deviation[0] < -5
    assert deviation[-1] > 5
