"""Two-body decays and the decay of the top by hand."""

import numpy as np
import pytest

from deepsf.generator import decays


def test_top_decays_conserve_momentum_and_are_on_shell():
    rng = np.random.default_rng(1)
    n = 2000
    top = decays.at_rapidity(np.full(n, decays.M_TOP), *(rng.normal(0, 60, n) for _ in range(2)), rng.normal(0, 1, n))
    lepton, _, neutrino = decays.decay_top(rng, top)
    assert lepton[0] ** 2 == pytest.approx((lepton[1:] ** 2).sum(axis=0))
    # The lepton's mean energy in the top frame: half the W's, (m_t^2 + m_W^2 - m_b^2) / (4 m_t) = 52.4 GeV, shifted by
    # the W's momentum times the mean cosine / 2: momentum 67.3 GeV, mean cosine -F_L / 2 = -0.155 -> 47.2 GeV.
    at_rest = decays.at_rapidity(np.full(200_000, decays.M_TOP), *np.zeros((3, 200_000)))
    in_top_frame, b, neutrino = decays.decay_top(rng, at_rest)
    assert in_top_frame[0].mean() == pytest.approx(47.2, abs=0.15)
    # exponential losses out of the cone of 6 % on average
    assert b[0].mean() / np.hypot(67.3, 4.8) == pytest.approx(0.94, abs=0.003)
    assert neutrino.mean(axis=1) == pytest.approx([0, 0], abs=0.5)


def test_daughters_are_on_shell_and_back_to_back_in_the_rest_frame():
    mass = np.full(1000, 91.2)
    frame = decays.at_rapidity(mass, np.full(1000, 30.0), np.full(1000, -10.0), np.full(1000, 0.7))
    first = decays.boosted(decays.two_body(np.random.default_rng(1), mass, 1.5), frame)
    second = frame - first
    for daughter in (first, second):
        assert daughter[0] ** 2 - (daughter[1:] ** 2).sum(axis=0) == pytest.approx(1.5**2, abs=1e-6)
    assert frame[0] ** 2 - (frame[1:] ** 2).sum(axis=0) == pytest.approx(mass**2)


def test_pt_eta_phi_by_hand():
    # (3, 4, 0) has pT 5 at eta 0; along z by sinh(1) times pT it has eta 1
    momentum = np.array([[9.0, 9.0], [3.0, 0.0], [4.0, -5.0], [0.0, 5.0 * np.sinh(1.0)]])
    pt, eta, phi = decays.pt_eta_phi(momentum)
    assert pt == pytest.approx([5.0, 5.0])
    assert eta == pytest.approx([0.0, 1.0])
    assert phi == pytest.approx([np.arctan2(4.0, 3.0), -np.pi / 2])
