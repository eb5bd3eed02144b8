"""Generator's jets and weights of known events."""

import numpy as np
import pytest

from deepsf.generator.generator_level import gen_jets, scale_weights, shower_weights
from deepsf.generator.kinematics import ParticleEvents, ParticleJets


@pytest.fixture
def particles():
    """Return two events: three jets of which one is radiated and one soft, and two jets; leptons of 40 and 8 GeV."""
    jets = ParticleJets(
        event=np.array([0, 1, 0, 1, 0]),
        pt_gev=np.array([30.0, 50.0, 90.0, 60.0, 9.0]),
        eta=np.array([0.1, 0.2, 0.3, 0.4, 0.5]),
        phi=np.zeros(5),
        hadron_flavour=np.array([5, 5, 5, 0, 0]),
        is_radiated=np.array([False, False, False, True, True]),
        survival=np.zeros(5),
    )
    two = np.ones((2, 2))
    pt = np.array([[40.0, 8.0], [40.0, 8.0]])
    return ParticleEvents(two.astype(int) * 11, pt, two, two, two > 0, np.zeros(2), np.zeros(2), np.ones(2), jets)


def test_gen_jets_come_by_event_and_pt_and_each_particle_knows_its_place(particles):
    jets, place = gen_jets(particles)
    assert jets.event.tolist() == [0, 0, 0, 1, 1, 1]
    assert jets.pt_gev.tolist() == [90.0, 40.0, 30.0, 60.0, 50.0, 40.0]
    # jets 30, 50, 90, 60 and 9 GeV, then the leptons of both events; below 10 GeV nothing is stored
    assert place.tolist() == [2, 1, 0, 0, -1, 1, -1, 2, -1]


def test_scale_weights_are_one_in_the_middle_and_rise_with_the_coupling(particles):
    weights = scale_weights(particles)
    assert weights.shape == (2, 9)
    np.testing.assert_array_equal(weights[:, 4], 1.0)
    # one radiated jet each: half the scale raises the coupling, 1 / (1 - 0.118 * 23 / (12 pi) * ln 4) = 1.1109
    np.testing.assert_allclose(weights[:, 1], 1.1109, rtol=2e-3)
    assert (weights[:, 0] > 1.0).all()
    assert (weights[:, 8] < 1.0).all()


def test_shower_weights_have_more_radiation_first(particles):
    more, _, less, _ = shower_weights(particles).T
    # 1.1109 exp(1.5 (1 - 1.1109)) = 0.9407: events of one radiated jet are fewer if there is more radiation
    np.testing.assert_allclose(more, 0.9407, rtol=2e-3)
    assert (less > 1.0).all()
    harder = particles._replace(jets=particles.jets._replace(pt_gev=4.0 * particles.jets.pt_gev))
    assert (shower_weights(harder)[:, 1] < shower_weights(particles)[:, 1]).all()  # the hardest lose most
