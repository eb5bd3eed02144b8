"""Rates of pseudo-data by hand, and of thinned events."""

from pathlib import Path

import numpy as np
import pytest

from deepsf import config
from deepsf.config.mismodelling import Mismodelling
from deepsf.generator import kinematics, rates
from deepsf.generator.composition import Composition

GENERATOR = config.load(Path(__file__).parents[3] / "configs" / "toy.yaml").generator


@pytest.fixture(scope="module")
def ttbar_events():
    return kinematics.generate(np.random.default_rng(1), "ttbar", 150_000, Composition()).events


def two_events():
    """An ee event with jets of 180 and 20 GeV (and one outside), a mumu event with jets of 1000 and 60 GeV."""
    jets = kinematics.ParticleJets(
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
    return kinematics.ParticleEvents(pdg_id, pair, pair, pair, pair > 0, np.ones(2), np.ones(2), np.ones(2), jets)


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


DEPARTURES = {"ttbar": {"udsg": {"rate": 0.2, "pt_slope": 0.1}, "c": {"rate": -0.3}}}
UNKIND = GENERATOR.model_copy(
    update={"pt_tilt": 0.0, "rate_offsets": {}, "mismodelling": Mismodelling(departures=DEPARTURES)}
)


def test_wrong_composition_by_hand():
    # 20 and 180 GeV: (1 + 0.2 - 0.1) (1 + 0.2 + 0.1) = 1.43; 60 and 600 GeV: 1.2 (1 + 0.2 + 0.1 ln(10)/ln(3))
    by_hand = [1.43, 1.2 * 1.409590]
    assert rates.rate(UNKIND, two_events(), "ttbar") == pytest.approx(by_hand, rel=1e-6)
    assert rates.max_rate(UNKIND, "ttbar") == pytest.approx(1.409590**2, rel=1e-6)
    charm = two_events()._replace(jets=two_events().jets._replace(hadron_flavour=np.array([4, 5, 0, 4, 4])))
    assert rates.rate(UNKIND, charm, "ttbar") == pytest.approx([0.7, 0.49])


def test_composition_is_wrong_in_its_process_alone():
    kind = UNKIND.model_copy(update={"mismodelling": Mismodelling()})
    for process in ("zjets", None):
        assert (rates.rate(UNKIND, two_events(), process) == rates.rate(kind, two_events())).all()
        assert rates.max_rate(UNKIND, process) == rates.max_rate(kind)


def test_jets_of_a_flavour_are_more_frequent_by_the_configured_amount(ttbar_events):
    keep = rates.thin(np.random.default_rng(4), UNKIND, ttbar_events, "ttbar")
    jets = ttbar_events.jets
    order, first = kinematics.accepted_jets(ttbar_events)
    pair = order[np.stack([first, first + 1], axis=1)]
    flavour, pt = jets.hadron_flavour[pair], np.clip(jets.pt_gev[pair], 20, 600)
    # of a b and a light jet: one factor
    n_b, n_light = ((flavour == f).sum(axis=1) for f in (5, 0))
    one = (n_b == 1) & (n_light == 1)
    light_pt = np.where(flavour == 0, pt, 0.0).max(axis=1)
    kept_bb = keep[n_b == 2].mean()
    assert kept_bb == pytest.approx(1 / 1.409590**2, abs=4 * np.sqrt(kept_bb / (n_b == 2).sum()))
    for low, high in ((20, 40), (40, 80), (80, 600)):
        chosen = one & (light_pt >= low) & (light_pt < high)
        expected = (1.2 + 0.1 * np.log(light_pt[chosen] / 60) / np.log(3)).mean()
        error = np.sqrt(keep[chosen].mean() / chosen.sum()) / kept_bb
        assert keep[chosen].mean() / kept_bb == pytest.approx(expected, abs=4 * error)
        assert error < 0.02
