"""Events at particle level: filter, recoil, signs of the weights, lost jets."""

import numpy as np
import pytest

from deepsf.generator import kinematics
from deepsf.generator.composition import Composition
from deepsf.generator.jagged import order_by_event_and_pt


def generated(process, n, seed=1, **arguments):
    return kinematics.generate(np.random.default_rng(seed), process, n, Composition(), **arguments)


def dilepton_mass(events):
    pt, eta, phi = events.lepton_pt_gev, events.lepton_eta, events.lepton_phi
    angle = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
    return np.sqrt(2 * pt[:, 0] * pt[:, 1] * angle)


@pytest.mark.parametrize("process", ["ttbar", "zjets"])
def test_every_event_passes_the_generator_filter(process):
    events = generated(process, 20_000).events
    assert len(events.weight) > 1000
    assert events.lepton_pt_gev.min() > 15
    assert np.abs(events.lepton_eta).max() < 2.5
    good = (events.jets.pt_gev > 14) & (np.abs(events.jets.eta) < 2.7)
    assert np.bincount(events.jets.event[good], minlength=len(events.weight)).min() >= 2
    assert (events.lepton_pdg_id[:, 0] < 0).all()
    assert (events.lepton_pdg_id[:, 1] > 0).all()


def test_z_boson_has_its_mass_and_recoils_against_the_jets():
    events = kinematics.zjets(np.random.default_rng(1), 50_000, 0.05, 0.09).events
    assert np.median(dilepton_mass(events)) == pytest.approx(91.19, abs=0.05)
    x = (events.lepton_pt_gev * np.cos(events.lepton_phi)).sum(axis=1)
    recoil = -np.bincount(events.jets.event, events.jets.pt_gev * np.cos(events.jets.phi), len(x))
    # what jets do not balance is a Gaussian of 6 GeV
    assert np.std(x - recoil) == pytest.approx(6.0, rel=0.05)


def test_negative_weights_keep_the_density():
    fraction = 0.15
    signed = generated("zjets", 250_000, 2, negative_weight_fraction=fraction)
    plain = generated("zjets", 250_000, 3)
    assert plain.sum_weights == plain.n_generated == 250_000
    # the signed sum is the luminosity times the cross section; it fluctuates with sqrt(n_generated)
    assert signed.sum_weights == pytest.approx(250_000, abs=4 * np.sqrt(signed.n_generated))
    assert signed.n_generated > 1.2 * 250_000
    events, reference = signed.events, plain.events
    assert (events.weight < 0).mean() == pytest.approx(fraction, rel=0.1)

    def lead_pt(events):
        first = np.searchsorted(events.jets.event, np.arange(len(events.weight)))
        return np.maximum.reduceat(events.jets.pt_gev, first)

    edges = [14, 25, 35, 50, 70, 100, 150, 250, 800.1]
    pt = lead_pt(events)
    got = np.histogram(pt, edges, weights=events.weight)[0]
    variance = np.histogram(pt, edges)[0]
    expected = np.histogram(lead_pt(reference), edges)[0]
    pulls = (got - expected) / np.sqrt(variance + expected)
    assert np.abs(pulls).max() < 3.5
    # and the fraction does rise with pT, or the test would show nothing
    negative = np.histogram(pt[events.weight < 0], edges)[0] / variance
    assert negative[0] < 0.75 * fraction < 1.3 * fraction < negative[-1]


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.39])
def test_probability_of_a_negative_weight_stays_below_one_half(fraction):
    probability = kinematics.negative_probability(np.geomspace(15, 800, 50), fraction)
    assert probability.min() >= 0.5 * fraction
    assert probability.max() <= min(1.5 * fraction, 0.45)


def test_lost_jets_are_those_of_the_hard_process_only_and_nested():
    is_radiated, survival = np.array([True, True, False, False]), np.array([0.2, 0.8, 0.2, 0.8])
    assert kinematics.kept_jets(is_radiated, survival, 1.0, 0.0).all()
    assert kinematics.kept_jets(is_radiated, survival, 0.5, 0.0).tolist() == [True, False, True, True]
    assert kinematics.kept_jets(is_radiated, survival, 1.0, 0.5).tolist() == [True, True, False, True]


def test_select_renumbers_jets():
    events = generated("ttbar", 500).events
    keep = np.zeros(len(events.weight), bool)
    keep[[3, 7]] = True
    chosen = kinematics.select(events, keep)
    assert len(chosen.weight) == 2
    assert sorted(set(chosen.jets.event.tolist())) == [0, 1]
    assert np.sort(chosen.jets.pt_gev[chosen.jets.event == 1]) == pytest.approx(
        np.sort(events.jets.pt_gev[events.jets.event == 7])
    )


def test_the_two_hardest_jets_of_zcc_are_charm_and_the_others_as_in_zjets():
    zjets, zcc = (
        kinematics.generate(np.random.default_rng(3), process, 40_000, Composition()).events.jets
        for process in ("zjets", "zcc")
    )
    np.testing.assert_array_equal(zjets.pt_gev, zcc.pt_gev)
    accepted = np.flatnonzero((zcc.pt_gev > 14.0) & (np.abs(zcc.eta) < 2.7))
    order = accepted[order_by_event_and_pt(zcc.event[accepted], zcc.pt_gev[accepted])]
    is_hardest = np.zeros(len(zcc.event), bool)
    for event in range(200):
        is_hardest[order[zcc.event[order] == event][:2]] = True
    first = zcc.event < 200
    assert is_hardest[first].sum() == 400
    assert (zcc.hadron_flavour[is_hardest] == 4).all()
    others = first & ~is_hardest
    np.testing.assert_array_equal(zcc.hadron_flavour[others], zjets.hadron_flavour[others])
    assert (zcc.hadron_flavour == 4).mean() > 4 * (zjets.hadron_flavour == 4).mean()
