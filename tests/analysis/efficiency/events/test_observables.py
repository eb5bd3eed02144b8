"""Variables of the two leading jets."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest

from deepsf.efficiency.events.observables import event_observables, flavour_pairs, n_jets_edges, pair_index
from tests.analysis.efficiency.events.hand_events import hand_events


@pytest.fixture
def events():
    """A back-to-back pair with a third jet, a lone jet, and a pair across the seam of phi."""
    return hand_events(
        [
            [(50, 0.0, 0.0, "b", 1), (50, 0.0, 3.14159265, "udsg", 0), (30, 0.3, 0.4, "c", 0)],
            [(70, 1.0, 1.0, "c", 1)],
            [(100, 0.5, 3.1, "c", 0), (40, 0.5, -3.1, "b", 1)],
        ],
        weight=[1.0, 2.0, -1.0],
    )


def test_variables_of_the_two_leading_jets_by_hand(events):
    found = event_observables(events)
    seam = 2 * np.pi - 6.2
    np.testing.assert_allclose(found.variables["delta_r"], [np.pi, np.nan, seam], rtol=1e-5)
    # 100 GeV at rest; sqrt(2 100 40 (1 - cos 0.0832)) = 5.26
    np.testing.assert_allclose(found.variables["mass_gev"], [100.0, np.nan, 5.26], rtol=1e-3)
    np.testing.assert_allclose(found.variables["pt_gev"], [50, 70, 100])
    np.testing.assert_allclose(found.variables["n_jets"], [3, 1, 2])
    # of the first event's leading jet the third jet is closest, at DeltaR 0.5
    np.testing.assert_array_equal(found.variables["closest_flavour"], [1, np.nan, 0])
    assert found.pair.tolist() == [flavour_pairs(events.flavours).index("b_udsg"), -1, 1]
    assert found.second.tolist() == [1, -1, 5]


def test_events_without_jets_have_no_observables(events):
    without = events.select(np.array([False, True, True]))
    kept = np.insert(without.n_jets, 1, 0)
    padded = hand_events(
        [[(70, 1.0, 1.0, "c", 1)], [], [(100, 0.5, 3.1, "c", 0), (40, 0.5, -3.1, "b", 1)]], weight=[2.0, 1.0, -1.0]
    )
    np.testing.assert_array_equal(padded.n_jets, kept)
    found, expected = event_observables(padded), event_observables(without)
    np.testing.assert_array_equal(found.weight, expected.weight)
    np.testing.assert_array_equal(found.variables["delta_r"], expected.variables["delta_r"])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_index_of_a_pair_is_its_place_among_the_names(n):
    flavours = [f"f{k}" for k in range(n)]
    names = flavour_pairs(flavours)
    for place, (one, other) in enumerate(combinations_with_replacement(range(n), 2)):
        assert names[place] == f"f{one}_f{other}"
        assert pair_index(np.array([one, other]), np.array([other, one]), n).tolist() == [place, place]


def test_there_is_a_bin_for_every_number_of_jets_up_to_eight():
    assert n_jets_edges(np.array([0, 2, 4])).tolist() == [1.5, 2.5, 3.5, 4.5]
    assert n_jets_edges(np.array([1, 15]))[-1] == 8.5
    assert n_jets_edges(np.array([9, 15])).tolist() == [8.5, 9.5]
