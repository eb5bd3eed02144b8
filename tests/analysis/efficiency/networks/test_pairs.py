"""Pairs of jets, against loops over events."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from deepsf.efficiency.networks.pairs import edges, pair_delta_r, pair_features, pair_offsets, pair_separations

OFFSETS = np.array([0, 1, 1, 4, 9, 11])  # 1, 0, 3, 5, 2 jets


def test_pairs_of_an_event_follow_each_other_in_lexicographic_order():
    assert pair_offsets(OFFSETS).tolist() == [0, 0, 0, 3, 13, 14]
    rng = np.random.default_rng(1)
    eta, phi = rng.uniform(-2, 2, 11).astype(np.float32), rng.uniform(-3, 3, 11).astype(np.float32)
    expected = []
    for begin, end in itertools.pairwise(OFFSETS):
        for i, j in itertools.combinations(range(begin, end), 2):
            delta_phi = abs(float(phi[i]) - float(phi[j]))
            expected.append(np.hypot(eta[i] - eta[j], min(delta_phi, 2 * np.pi - delta_phi)))
    assert pair_delta_r(OFFSETS, eta, phi) == pytest.approx(expected, rel=1e-6)


def test_the_distance_goes_around_the_detector_the_short_way():
    phi = np.array([3.1, -3.1], np.float32)
    assert pair_delta_r(np.array([0, 2]), np.zeros(2, np.float32), phi) == pytest.approx([2 * np.pi - 6.2], rel=1e-5)


def test_features_of_a_pair_are_distance_half_its_square_and_its_shifted_logarithm():
    assert pair_features(np.array([0.95, 0.0], np.float32)) == pytest.approx(
        np.array([[0.95, 0.45125, 0.0], [0.0, 0.0, np.log(0.05)]]), abs=1e-6
    )


def test_edges_lead_from_every_other_jet_of_the_event():
    found = edges(OFFSETS)
    expected, first_pair = [], 0
    for begin, end in itertools.pairwise(OFFSETS):
        pairs = {pair: first_pair + k for k, pair in enumerate(itertools.combinations(range(begin, end), 2))}
        for target, source in itertools.product(range(begin, end), repeat=2):
            if source != target:
                expected.append((source, target, pairs[min(source, target), max(source, target)]))
        first_pair += len(pairs)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


def test_there_are_no_pairs_without_events_and_in_events_of_one_jet():
    for offsets in (np.array([0]), np.array([0, 0]), np.array([0, 1, 2])):
        assert len(edges(offsets).source) == 0
        assert len(pair_delta_r(offsets, np.zeros(2, np.float32), np.zeros(2, np.float32))) == 0


def test_separations_are_those_in_eta_and_phi_scaled_as_the_distance():
    eta = np.array([0.5, -0.1, 0.5, 0.2], np.float32)
    phi = np.array([3.1, -3.1, 3.1, 0.0], np.float32)
    offsets, across = np.array([0, 2, 4]), 2 * np.pi - 6.2
    delta_r = pair_delta_r(offsets, eta, phi)
    found = pair_separations(offsets, eta, phi, delta_r)
    assert found == pytest.approx(np.array([[0.6, across, 0], [0.3, 3.1, 0]]), abs=1e-6)
    half = pair_separations(offsets, eta, phi, delta_r / 2)
    assert half == pytest.approx(found / 2, abs=1e-6)


def test_jets_at_the_same_place_have_separations_of_0():
    same = np.array([0.3, 0.3], np.float32)
    assert pair_separations(np.array([0, 2]), same, same, np.array([0.1], np.float32)).tolist() == [[0, 0, 0]]
