"""Events from the jets of an analysis: awkward or flat, which flavour is which, and what is refused."""

import awkward as ak
import numpy as np
import pytest

from deepsf.efficiency.events.from_jets import events_of_jets

CODES = {"b": [5], "c": [4], "udsg": [0, 3]}
FLAT = {
    "pt": [90.0, 40.0, 70.0],
    "eta": [0.5, -1.5, 2.0],
    "phi": [3.0, -3.0, 0.1],
    "hadronFlavour": [5, 3, 4],
}


@pytest.fixture
def jets():
    """Return three events with two, no and one jet."""
    return ak.zip({name: ak.unflatten(np.array(values), [2, 0, 1]) for name, values in FLAT.items()})


def test_awkward_and_flat_jets_give_the_same_events(jets):
    flat = {name: np.array(values) for name, values in FLAT.items()}
    for events in (events_of_jets(jets, CODES), events_of_jets(flat, CODES, counts=[2, 0, 1])):
        assert events.n_jets.tolist() == [2, 0, 1]
        assert events.pt_gev.tolist() == FLAT["pt"]
        assert events.flavour.tolist() == [0, 2, 1]
        assert events.flavours == ("b", "c", "udsg")
        assert events.event.tolist() == [0, 1, 2]
        assert events.weight.tolist() == [1, 1, 1]
        np.testing.assert_allclose(events.phi, FLAT["phi"], rtol=1e-6)


def test_numbers_and_working_points_are_those_given(jets):
    events = events_of_jets(jets, CODES, working_points=("L", "M"), event=np.array([2**40, 7, 8]))
    assert events.event.tolist() == [2**40, 7, 8]
    assert events.working_points == ("L", "M")


def test_jets_that_cannot_be_used_are_refused_in_words(jets):
    with pytest.raises(ValueError, match=r"jets have no column phi, hadronFlavour; they have \['eta', 'pt'\]"):
        events_of_jets(jets[["pt", "eta"]], CODES)
    with pytest.raises(ValueError, match="jets must be one list an event; of flat arrays give counts"):
        events_of_jets(ak.flatten(jets), CODES)
    with pytest.raises(ValueError, match="counts must be the number of jets of each event and add up to 3, got 2"):
        events_of_jets({name: np.array(values) for name, values in FLAT.items()}, CODES, counts=[2, 0])
    with pytest.raises(ValueError, match=r"jets: hadron flavours 3 \(1 jets\) belong to none of the flavours"):
        events_of_jets(jets, {"b": [5], "c": [4], "udsg": [0]})
    with pytest.raises(ValueError, match="jets of 1 events are not ordered by falling pT"):
        events_of_jets(jets[:, ::-1], CODES)


def test_directions_are_the_same_after_any_turn_and_degrees_are_refused(jets):
    flat = {name: np.array(values) for name, values in FLAT.items()}
    expected = events_of_jets(flat, CODES, counts=[2, 0, 1]).phi
    turned = flat | {"phi": flat["phi"] + 2 * np.pi * np.array([1, -1, -1])}
    np.testing.assert_allclose(events_of_jets(turned, CODES, counts=[2, 0, 1]).phi, expected, atol=1e-6)
    # the largest number that NanoAOD stores is a little above pi
    above = flat | {"phi": np.array([3.1416016, -3.1416016, 0.0])}
    np.testing.assert_allclose(np.abs(events_of_jets(above, CODES, counts=[2, 0, 1]).phi[:2]), np.pi, atol=1e-5)
    with pytest.raises(ValueError, match="phi reaches 170; it must be in radians"):
        events_of_jets(flat | {"phi": np.array([10.0, 170.0, 0.0])}, CODES, counts=[2, 0, 1])


def test_numbers_of_events_and_counts_must_fit(jets):
    flat = {name: np.array(values) for name, values in FLAT.items()}
    with pytest.raises(ValueError, match=r"event must have one value an event, shape \(3,\), got \(2,\)"):
        events_of_jets(jets, CODES, event=[1, 2])
    with pytest.raises(ValueError, match="counts of jets cannot be negative, got -2"):
        events_of_jets(flat, CODES, counts=[4, -2, 1])
