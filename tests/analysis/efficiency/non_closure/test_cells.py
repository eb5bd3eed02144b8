"""Cells of the non-closure, its file, and what it does to yields."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.non_closure.cells import Cells, EfficiencyChanges, NonClosures
from deepsf.efficiency.non_closure.measure import measure
from tests.analysis.efficiency.events.hand_events import hand_events, model

PT, DELTA_R = np.array([20.0, 50.0, 100.0]), np.array([0.0, 0.4, 2.0])


def two_jets():
    """A b jet of 80 GeV and a light one of 30 GeV at a distance of 0.3; a lone c jet beyond the last edge in pT."""
    return hand_events([[(80, 0.0, 0.0, "b", 1), (30, 0.3, 0.0, "udsg", 0)], [(500, 0.0, 0.0, "c", 0)]])


def test_cells_are_numbered_by_flavour_pt_and_distance():
    cells = Cells(("b", "c", "udsg"), PT, DELTA_R)
    assert cells.of_jets(two_jets()).tolist() == [0 * 4 + 1 * 2 + 0, 2 * 4 + 0 * 2 + 0, 1 * 4 + 1 * 2 + 1]
    assert (cells.shape, cells.size) == ((3, 2, 2), 12)
    # the order of an analysis' flavours does not matter, other flavours do
    other = replace(two_jets(), flavours=("udsg", "c", "b"), flavour=np.array([2, 0, 1], np.int8))
    assert cells.of_jets(other).tolist() == cells.of_jets(two_jets()).tolist()
    with pytest.raises(ValueError, match="jets of flavour tau: the non-closure was trained on b, c, udsg"):
        cells.of_jets(replace(two_jets(), flavours=("b", "c", "tau")))


def test_yields_have_the_covariance_of_their_cells():
    covariance = np.array([[4.0, 1.0, 0.0], [1.0, 9.0, 0.0], [0.0, 0.0, np.nan]])
    changes = EfficiencyChanges(
        offsets=np.array([0, 2, 3, 4]),
        cell=np.array([0, 1, 1, 2]),
        change=np.array([0.5, 0.25, 0.1, 1.0]),
        covariance=covariance,
    )
    # bin 0: 2 (0.5, 0.25) in cells 0 and 1; bin 1: 10 x 0.1 in cell 1; the third event is left out
    found = changes.of_yields(np.array([2.0, 10.0, 1.0]), np.array([0, 1, -1]), 2)
    first = np.array([1.0, 0.5])
    assert found[0, 0] == pytest.approx(first @ covariance[:2, :2] @ first)
    assert found[1, 1] == pytest.approx(9.0)
    assert found[0, 1] == found[1, 0] == pytest.approx(first @ covariance[:2, 1])
    # what is not known of a cell is not known of a yield that needs it
    assert np.isnan(changes.of_yields(np.ones(3), np.array([0, 1, 1]), 2)[1, 1])


def measured() -> NonClosures:
    jets = [[(30, 0.0, 0.0, "b", k % 2)] for k in range(100)] + [[(80, 0.0, 0.0, "b", 1)]] * 50
    members = np.multiply.outer([0.68, 0.72], np.ones(150))
    return measure(hand_events(jets), model(None, members), PT, DELTA_R)


def test_a_file_holds_everything():
    found = measured()
    again = NonClosures.from_json(found.to_json())
    assert again.cells.flavours == found.cells.flavours
    for one, other in zip(again.of("M"), found.of("M"), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="not a non-closure of efficiencies: its format must be deepsf-non-closure-1"):
        NonClosures.from_json(json.dumps({"format": "other"}))
    with pytest.raises(ValueError, match=r"no non-closure at the working point 'T', only at \['M'\]"):
        found.of("T")


def test_errors_of_jets_are_relative_to_their_efficiency():
    found = measured()
    events = hand_events([[(30, 0.0, 0.0, "b", 0)], [(80, 0.0, 0.0, "b", 0)]])
    errors = found.errors(events, np.array([[0.7], [0.35]]))
    low, high = (found.of("M").systematic[0, place, 1] for place in (0, 1))
    np.testing.assert_allclose(errors[:, 0], [0.7 * low, 0.35 * high])
    assert low > 0.1


def test_flavours_share_no_error():
    found = measured().of("M")
    assert found.covariance.shape == (12, 12)
    np.testing.assert_array_equal(found.covariance[:4, :4], found.second_moment[0])
    assert not found.covariance[:4, 4:].any()
