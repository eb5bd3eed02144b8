"""Reconstruction: leptons among the jets, pile-up, resolutions."""

import numpy as np
import pytest

from deepsf.generator.composition import Composition
from deepsf.generator.detector import N_PILE_UP_JETS, RESOLUTION, reconstruct
from deepsf.generator.kinematics import generate


def test_objects_are_sorted_by_pt_and_leptons_are_among_the_jets(ttbar):
    events, _ = ttbar
    for name in ("Jet_pt", "Electron_pt", "Muon_pt"):
        assert all((np.diff(pt) <= 0).all() for pt in events[name])
    with_electron = [i for i, pt in enumerate(events["Electron_pt"]) if len(pt) and pt[0] > 20][:200]
    for i in with_electron:
        eta, phi = (events[f"Electron_{name}"][i][0] for name in ("eta", "phi"))
        assert np.hypot(events["Jet_eta"][i] - eta, events["Jet_phi"][i] - phi).min() < 0.05


@pytest.fixture(scope="module")
def reconstructed():
    """Return particle-level ttbar events and the same reconstructed."""
    particles = generate(np.random.default_rng(1), "ttbar", 60_000, Composition()).events
    return particles, reconstruct(np.random.default_rng(2), particles)


def test_jets_know_what_they_were_made_from(reconstructed):
    particles, events = reconstructed
    jets, n_hard, n = events.jets, len(particles.jets.event), len(particles.weight)
    hard = jets.particle < n_hard
    np.testing.assert_array_equal(jets.event[hard], particles.jets.event[jets.particle[hard]])
    np.testing.assert_array_equal(jets.hadron_flavour[hard], particles.jets.hadron_flavour[jets.particle[hard]])
    lepton = (jets.particle >= n_hard) & (jets.particle < n_hard + 2 * n)
    np.testing.assert_array_equal(jets.event[lepton], (jets.particle[lepton] - n_hard) // 2)
    pile_up = jets.particle >= n_hard + 2 * n
    assert (jets.hadron_flavour[lepton | pile_up] == 0).all()
    # N_PILE_UP_JETS an event from 14 GeV on, exp(-1 / 7) of them above 15 GeV before resolution
    assert 0.6 < pile_up.sum() / (N_PILE_UP_JETS * n * np.exp(-1 / 7)) < 1.1


def test_hard_jets_have_the_stated_resolution(reconstructed):
    particles, events = reconstructed
    jets, n_hard = events.jets, len(particles.jets.event)
    hard = np.flatnonzero(jets.particle < n_hard)
    pt = particles.jets.pt_gev[jets.particle[hard]]
    window = (pt > 95) & (pt < 105)
    noise, stochastic, constant = RESOLUTION
    expected = np.sqrt((noise / 100) ** 2 + stochastic**2 / 100 + constant**2)
    response = jets.pt_gev[hard][window] / pt[window]
    assert response.mean() == pytest.approx(1.0, abs=0.01)
    assert response.std() == pytest.approx(expected, rel=0.05)


def test_leptons_come_by_pt_and_some_are_lost(reconstructed):
    _, events = reconstructed
    leptons = events.leptons
    assert (np.diff(leptons.pt_gev, axis=1) <= 0).all()
    for code, efficiency in ((11, 0.92), (13, 0.96)):
        assert leptons.is_stored[np.abs(leptons.pdg_id) == code].mean() == pytest.approx(efficiency, abs=0.01)
