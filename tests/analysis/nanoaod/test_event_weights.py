"""Weights of simulated events: lists of shifts of every known length, and sums that are those of all events."""

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.nanoaod.event_weights import listed_ratios, sum_of_weights
from deepsf.nanoaod.root_file import NtupleError

PLACES = {
    ("genscale", 9): (8, 0),
    ("genscale", 8): (7, 0),
    ("psisr", 4): (0, 2),
    ("psfsr", 4): (1, 3),
    ("psisr", 44): (4, 6),
    ("psfsr", 44): (5, 7),
}
"""Places of the shifts up and down by source and length: 9 scales, nominal left out of 8; 4 or 44 showers."""


@pytest.mark.parametrize(("source", "length"), PLACES)
def test_shifts_are_taken_from_their_places(source, length):
    weights = 1.0 + np.arange(2 * length) / 100.0
    up, down, has = listed_ratios("x.root", source, ak.Array(weights.reshape(2, length).tolist()))
    place = PLACES[source, length]
    assert has.all()
    assert up.tolist() == weights[[place[0], length + place[0]]].astype("f4").tolist()
    assert down.tolist() == weights[[place[1], length + place[1]]].astype("f4").tolist()
    assert (up.dtype, down.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("first", [True, False])
def test_events_without_known_weights_are_not_shifted_wherever_they_are(first):
    # neither the first event nor the last one stands for the file
    lists = [[], [1.0], [2.0] * 4, [3.0] * 44, [4.0] * 8, [5.0] * 3, [6.0] * 4]
    expected = [False, False, True, True, False, False, True]
    lists, expected = (lists, expected) if first else (lists[::-1], expected[::-1])
    up, down, has = listed_ratios("x.root", "psisr", ak.Array(lists))
    assert has.tolist() == expected
    values = [lst[0] if known else 1.0 for lst, known in zip(lists, expected, strict=True)]
    assert up.tolist() == down.tolist() == values


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_an_event_with_a_weight_that_is_not_finite_counts_as_without(broken):
    lists = np.full((3, 4), 1.5)
    lists[1, 2] = broken  # of psisr_down alone
    up, down, has = listed_ratios("x.root", "psisr", ak.Array(lists.tolist()))
    assert has.tolist() == [True, False, True]
    assert up.tolist() == down.tolist() == [1.5, 1.0, 1.5]
    assert listed_ratios("x.root", "psfsr", ak.Array(lists.tolist()))[2].all()


def summed(path, sample, genweight="genWeight", sign=False):
    with uproot.open(path) as file:
        return sum_of_weights("x.root", file, file["Events"], sample, genweight, sign)


def runs_file(path, n_events=4, weights=(1.5, -1.5, 1.5, 3.0), **runs):
    with uproot.recreate(path) as file:
        file.mktree("Events", {"genWeight": "f4"}).extend({"genWeight": np.array(weights[:n_events], "f4")})
        if runs:
            file.mktree("Runs", dict.fromkeys(runs, "f8")).extend(
                {name: np.array(column, "f8") for name, column in runs.items()}
            )
    return path


def test_the_sum_is_that_of_all_rows_of_runs_or_of_the_stored_events(tmp_path):
    path = runs_file(tmp_path / "a.root", genEventSumw=[10.0, 2.5], genEventCount=[4.0, 1.0])
    assert summed(path, "runs") == 12.5
    assert summed(path, 964.0) == 0.0  # a number is that of all files together
    assert summed(runs_file(tmp_path / "v6.root", genEventSumw_=[7.0]), "runs") == 7.0
    without = runs_file(tmp_path / "b.root")
    assert summed(without, "events") == 4.5
    assert summed(without, "events", sign=True) == 2.0


def test_a_sum_of_other_events_than_all_is_refused_or_told(tmp_path, caplog):
    skimmed = runs_file(tmp_path / "a.root", genEventSumw=[10.0], genEventCount=[5.0])
    with pytest.raises(NtupleError) as error:
        summed(skimmed, "events")
    assert str(error.value) == (
        "x.root: Runs/genEventCount is 5, but the file holds 4 events: it was skimmed, and sum_weights: events leaves "
        "out what was dropped; set sum_weights to runs, or to the sum as a number"
    )
    of_first_file = runs_file(tmp_path / "b.root", genEventSumw=[10.0], genEventCount_=[3.0])
    assert summed(of_first_file, "events") == 4.5
    assert summed(of_first_file, "runs") == 10.0
    assert caplog.messages == [
        "x.root: Runs/genEventCount is 3, but the file holds 4 events: its Runs tree may not be that of all events, as "
        "after a merge that kept the first one; check it, or set sum_weights to the sum as a number"
    ]
    whole = runs_file(tmp_path / "c.root", genEventSumw=[10.0], genEventCount=[4.0])
    assert (summed(whole, "runs"), summed(whole, "events")) == (10.0, 4.5)


def test_events_without_a_sum_are_refused_and_files_without_events_need_none(tmp_path):
    empty_runs = runs_file(tmp_path / "a.root", genEventSumw=[], genEventCount=[])
    for path in (empty_runs, runs_file(tmp_path / "b.root"), runs_file(tmp_path / "c.root", run=[1.0])):
        with pytest.raises(NtupleError) as error:
            summed(path, "runs")
        assert str(error.value) == (
            "x.root: branch Runs/genEventSumw is missing: without the sum of generator weights the sample cannot be "
            "scaled to its cross section; take files with a Runs tree, or set sum_weights: events for the sample if "
            "its files hold every generated event, or sum_weights to the sum as a number"
        )
    assert summed(runs_file(tmp_path / "d.root", 0), "runs") == 0.0
    assert summed(runs_file(tmp_path / "e.root", 0), "events") == 0.0
    # events that a skim dropped count
    assert summed(runs_file(tmp_path / "f.root", 0, genEventSumw=[9.0], genEventCount=[6.0]), "runs") == 9.0


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_sums_that_are_not_finite_are_refused(tmp_path, broken):
    path = runs_file(tmp_path / "a.root", weights=(1.0, broken, 1.0, 1.0), genEventSumw=[1.0, broken])
    for source in ("runs", "events"):
        with pytest.raises(NtupleError, match=rf"^x\.root: the sum of generator weights is {broken}; take the file"):
            summed(path, source)
