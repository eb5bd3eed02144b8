"""Distance to the closest jet."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.events.closest import closest_jet
from tests.analysis.efficiency.events.hand_events import flat_events


def events(*jets):
    """Events of (eta, phi) pairs, pT falling."""
    counts = [len(event) for event in jets]
    eta, phi = np.array([jet for event in jets for jet in event], np.float32).reshape(-1, 2).T
    return flat_events(counts, pt_gev=np.concatenate([np.linspace(200, 100, c) for c in counts]), eta=eta, phi=phi)


def test_distances_by_hand_stay_within_the_event():
    delta_r, index = closest_jet(events([(0, 0), (0.3, 0.4), (2, 0)], [(0.0, 0.1), (0.0, 1.1)]))
    np.testing.assert_allclose(delta_r, [0.5, 0.5, np.hypot(1.7, 0.4), 1.0, 1.0], rtol=1e-6)
    assert index.tolist() == [1, 0, 1, 4, 3]
    assert (delta_r.dtype, index.dtype) == (np.float32, np.int64)


def test_jets_on_both_sides_of_phi_pi_are_close():
    delta_r, _ = closest_jet(events([(0, np.pi - 0.1), (0, -np.pi + 0.1)]))
    np.testing.assert_allclose(delta_r, 0.2, rtol=1e-5)


def test_lone_jets_have_no_closest_jet_and_events_may_be_empty():
    delta_r, index = closest_jet(events([], [(1, 1)], []))
    assert np.isposinf(delta_r).all()
    assert index.tolist() == [-1]


def test_of_jets_equally_far_the_harder_one_counts():
    _, index = closest_jet(events([(1, 0), (0, 0), (-1, 0)]))
    assert index.tolist() == [1, 0, 1]


@pytest.mark.parametrize("n_jets", [2, 5, 9])
def test_a_matrix_of_distances_gives_the_same(n_jets):
    generator = np.random.default_rng(n_jets)
    eta, phi = generator.uniform(-2.5, 2.5, n_jets), generator.uniform(-np.pi, np.pi, n_jets)
    wrapped = (phi[:, None] - phi + np.pi) % (2 * np.pi) - np.pi
    distance = np.hypot(eta[:, None] - eta, wrapped)
    np.fill_diagonal(distance, np.inf)
    delta_r, index = closest_jet(events(list(zip(eta, phi, strict=True))))
    np.testing.assert_allclose(delta_r, distance.min(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(index, distance.argmin(axis=1))
