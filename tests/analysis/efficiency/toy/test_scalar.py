import numpy as np
import pytest

from deepsf.efficiency.toy import generate
from deepsf.efficiency.toy.scalar import decays

FLAVOURS = ("b", "c", "udsg")


def mass_of(a, b):
    pt_a, eta_a, phi_a, pt_b, eta_b, phi_b = (np.asarray(x, float) for x in (*a[:3], *b[:3]))
    return np.sqrt(2 * pt_a * pt_b * (np.cosh(eta_a - eta_b) - np.cos(phi_a - phi_b)))


@pytest.mark.parametrize("mass", [90.0, 25.0, 400.0])
def test_both_quarks_have_the_mass_of_the_scalar(toy, mass):
    settings = toy(scalar={"mass_gev": mass})
    pairs = decays(np.random.default_rng(1), 10_000, settings.scalar, settings.kinematics, 3)
    assert mass_of(pairs.a, pairs.b) == pytest.approx(np.full(10_000, mass), rel=1e-6)
    assert np.array_equal(pairs.a.flavour, pairs.b.flavour)
    assert np.bincount(pairs.a.flavour) / 10_000 == pytest.approx([1 / 3] * 3, abs=4 * np.sqrt(2 / 9 / 10_000))


def test_quarks_are_in_the_acceptance(toy):
    settings = toy(pt_min_gev=30.0, abseta_max=2.0, eta_max_leading=1.5)
    pairs = decays(np.random.default_rng(1), 5_000, settings.scalar, settings.kinematics, 3)
    for quark in pairs:
        assert (quark.pt_gev.min() > 30, np.abs(quark.eta).max() < 2.0) == (True, True)


def test_stored_events_keep_the_mass_in_single_precision(toy):
    events, _ = generate(toy(n_extra_max=0), FLAVOURS, "scalar", 5_000)
    a, b = ([column[k::2] for column in (events.pt_gev, events.eta, events.phi)] for k in (0, 1))
    assert mass_of(a, b) == pytest.approx(np.full(5_000, 90.0), rel=1e-4)


def test_more_jets_come_softer_than_both_quarks(toy):
    events, _ = generate(toy(), FLAVOURS, "scalar", 20_000)
    events.check("here")
    assert events.n_jets.mean() == pytest.approx(3.51, abs=0.04)
    first, second = ([c[events.rank == k] for c in (events.pt_gev, events.eta, events.phi)] for k in (0, 1))
    # so the quarks are the two hardest jets
    assert mass_of(first, second) == pytest.approx(np.full(20_000, 90.0), rel=1e-4)


def test_quarks_are_emitted_isotropically_in_the_rest_frame(toy):
    # without cuts, at rest: cos(theta) = tanh(eta) is flat
    settings = toy(pt_min_gev=1e-3, abseta_max=50.0, scalar={"pt_mean_gev": 1e-6, "rapidity_sigma": 1e-6})
    pairs = decays(np.random.default_rng(1), 20_000, settings.scalar, settings.kinematics, 3)
    counts = np.histogram(np.tanh(pairs.a.eta), bins=10, range=(-1, 1))[0]
    assert np.sum((counts - 2000) ** 2 / 2000) < 28


def test_a_mass_that_cannot_be_in_the_acceptance_is_refused(toy):
    message = (
        r"efficiency\.toy\.scalar: of 102400 decays of a scalar of mass_gev = 20000 and pt_mean_gev = 150 only 0 have "
        r"both quarks at pT 20 to 1000 GeV and \|eta\| < 2\.5, where 10 are needed; change the mass"
    )
    with pytest.raises(ValueError, match=message):
        generate(toy(scalar={"mass_gev": 20_000.0}), FLAVOURS, "scalar", 10)
