"""Columns: what a cast would lose, lists that are damaged, values that cannot be."""

import awkward as ak
import numpy as np
import pytest

from deepsf.nanoaod.columns import (
    Collection,
    collection,
    flat,
    offsets,
    per_event,
    require_azimuths,
    require_between,
    require_finite,
)
from deepsf.nanoaod.root_file import NtupleError


def lists(limits, values):
    """Return lists with the given limits, right or wrong."""
    index = ak.index.Index64(np.array(limits, np.int64))
    return ak.Array(ak.contents.ListOffsetArray(index, ak.contents.NumpyArray(np.asarray(values))))


@pytest.mark.parametrize(
    ("stored", "dtype"),
    [
        (np.array([-128, 127], "i4"), np.int8),
        (np.array([4.0, 5.0], "f8"), np.int8),
        (np.array([0, 255], "u1"), np.int32),
        (np.array([False, True]), np.int32),
        (np.array([0, 1], "i4"), np.bool_),
        (np.array([0.0, 1.0], "f4"), np.bool_),
        (np.array([0, 2**63], "u8"), np.uint64),
        (np.array([1, 2**40], "i8"), np.uint64),
        (np.array([np.nan, -np.inf, 1.5], "f8"), np.float32),
        (np.array([16777217], "i4"), np.float64),
    ],
)
def test_values_that_survive_are_cast(stored, dtype):
    values = per_event("x.root", "branch", ak.Array(stored), dtype)
    assert values.dtype == dtype
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, stored)


def test_floating_point_numbers_may_be_rounded():
    assert flat("x.root", "Jet_pt", ak.Array([[0.1], [1e-60]]), np.float32).tolist() == [np.float32(0.1), 0.0]


@pytest.mark.parametrize(
    ("stored", "dtype", "value"),
    [
        (np.array([5, 261], "i4"), np.int8, "261"),
        (np.array([5, 4.5], "f4"), np.int8, "4.5"),
        (np.array([5, 4.9], "f4"), np.int8, "4.9"),
        (np.array([5, np.nan], "f4"), np.int8, "nan"),
        (np.array([5, np.inf], "f4"), np.int32, "inf"),
        (np.array([5, 1e30], "f4"), np.int32, "1e+30"),
        (np.array([5, -1], "i8"), np.uint64, "-1"),
        (np.array([5, -1], "f8"), np.uint32, "-1.0"),
        (np.array([5, 2**32], "i8"), np.uint32, "4294967296"),
        (np.array([5, 0.5], "f8"), np.uint64, "0.5"),
        (np.array([1, 2], "u1"), np.bool_, "2"),
        (np.array([1.0, np.nan], "f4"), np.bool_, "nan"),
        (np.array([1.0, 1e300], "f8"), np.float32, "1e+300"),
    ],
)
def test_a_value_that_a_cast_would_change_is_refused(stored, dtype, value):
    for array, read in ((ak.Array(stored), per_event), (lists([0, 0, 2], stored), flat)):
        with pytest.raises(NtupleError) as error:
            read("x.root", "branch", array, dtype)
        assert str(error.value) == (
            f"x.root: branch branch is {value} for 1 of 2 values, which {np.dtype(dtype)} cannot hold; take the file "
            "off the sample, or make it again"
        )


def test_content_of_lists_begins_where_the_lists_do():
    array = lists([2, 3, 3, 5], np.arange(7.0))
    np.testing.assert_array_equal(offsets("x.root", "Jet_pt", array), [0, 1, 1, 3])
    np.testing.assert_array_equal(flat("x.root", "Jet_pt", array, np.float32), [2, 3, 4])
    regular = ak.Array(ak.contents.RegularArray(ak.contents.NumpyArray(np.arange(8.0)), 4))
    np.testing.assert_array_equal(offsets("x.root", "PSWeight", regular), [0, 4, 8])
    np.testing.assert_array_equal(flat("x.root", "PSWeight", regular, np.float64), np.arange(8))
    nothing = lists([0], np.zeros(0))
    np.testing.assert_array_equal(offsets("x.root", "Jet_pt", nothing), [0])
    assert flat("x.root", "Jet_pt", nothing, np.float32).shape == (0,)


@pytest.mark.parametrize(
    ("limits", "event"), [([0, 2, 1, 3], 1), ([3, 2, 4], 0), ([0, 2, 9], 2), ([-2, 1, 3], 2), ([0, 2**40, 3], 1)]
)
def test_limits_that_do_not_rise_within_the_content_are_refused(limits, event):
    # awkward checks nothing here, as uproot's lists are made
    for read in (lambda array: flat("x.root", "Jet_pt", array, np.float32), lambda a: offsets("x.root", "Jet_pt", a)):
        with pytest.raises(NtupleError) as error:
            read(lists(limits, np.arange(4.0)))
        assert str(error.value) == (
            "x.root: branch Jet_pt is corrupt, its offsets do not rise within its 4 values (first at event "
            f"{event} of the chunk); copy the file again or take it off the sample"
        )


def test_the_form_of_a_branch_must_be_the_one_that_is_needed():
    with pytest.raises(NtupleError, match=r"branch run is a list in every event, not one number; name another branch"):
        per_event("x.root", "run", ak.Array([[1], [2]]), np.uint32)
    with pytest.raises(NtupleError, match=r"branch Jet_pt is one number an event, not a list; name another branch"):
        offsets("x.root", "Jet_pt", ak.Array([1.0, 2.0]))
    for array in (ak.Array([[[1.0]], [[2.0]]]), ak.Array([["b"], ["c"]]), ak.Array([[{"x": 1}], [{"x": 2}]])):
        with pytest.raises(NtupleError, match=r"branch Jet_pt holds .*, not one number an object; name another branch"):
            flat("x.root", "Jet_pt", array, np.float32)


def test_a_collection_has_all_columns_of_one_length():
    pt, ids = ak.Array([[3.0, 2.0], [], [1.0]]), ak.Array([[1, 2], [], [3]])
    jets = collection("x.root", "Jet", {"pt": ("Jet_pt", pt, np.float32), "id": ("Jet_id", ids, np.int8)})
    np.testing.assert_array_equal(jets.offsets, [0, 2, 2, 3])
    assert {name: (column.dtype, column.tolist()) for name, column in jets.columns.items()} == {
        "pt": (np.float32, [3, 2, 1]),
        "id": (np.int8, [1, 2, 3]),
    }
    # of equal total, so that a comparison of lengths alone would let flavours go to other jets
    for other, event in ((ak.Array([[1, 2], [3], []]), 1), (ak.Array([[1, 2, 3], [], []]), 0), (ak.Array([[1]]), 0)):
        with pytest.raises(NtupleError) as error:
            collection("x.root", "Jet", {"pt": ("Jet_pt", pt, np.float32), "id": ("Jet_id", other, np.int8)})
        assert str(error.value) == (
            "x.root: branches Jet_pt and Jet_id of one collection differ in length (first at event "
            f"{event} of the chunk): the file is corrupt, or Jet_id is not one value a Jet; copy the file again, or "
            "correct tagger.branch, selection.jet_columns and selection.branches"
        )


def test_values_must_be_finite():
    require_finite("x.root", "Jet_pt", np.array([1e30, -1e30, 0.0], np.float32))
    require_finite("x.root", "Jet_pt", np.full(10, np.finfo(np.float32).max))  # the sum is finite in float64
    require_finite("x.root", "Jet_pt", np.array([1e308, 1e308]))  # that it is not proves nothing
    require_finite("x.root", "Jet_pt", np.zeros(0, np.float32))
    with pytest.raises(NtupleError) as error:
        require_finite("x.root", "PSWeight", np.array([1.0, np.nan, np.inf, -np.inf]), "leave it out")
    assert str(error.value) == (
        "x.root: branch PSWeight is not finite for 3 of 4 values; leave it out, or make it again"
    )


def test_values_must_lie_within_their_limits():
    require_azimuths("x.root", "Jet_phi", np.array([-np.pi, np.pi, 3.1416, 3.19], np.float32))
    require_azimuths("x.root", "Jet_phi", np.zeros(0, np.float32))
    require_between("x.root", "MET_pt", np.array([0.0, 5.0]), (0.0, np.inf), "it cannot be negative")
    with pytest.raises(NtupleError) as error:
        require_azimuths("x.root", "Jet_phi", np.array([0.0, 100.0, -3.3], np.float32))
    assert str(error.value) == (
        "x.root: branch Jet_phi is 100 for 2 of 3 values; azimuths lie between -pi and pi; take the file off the "
        "sample, or make it again"
    )
    with pytest.raises(NtupleError, match=r"branch MET_pt is -999 for 1 of 2 values; it cannot be negative; take"):
        require_between("x.root", "MET_pt", np.array([3.0, -999.0]), (0.0, np.inf), "it cannot be negative")


def test_objects_of_chosen_events_are_found():
    jets = Collection(np.array([0, 2, 2, 3, 6]), {})
    index, row = jets.of_events(np.array([0, 1, 3]))
    assert (index.tolist(), row.tolist()) == ([0, 1, 3, 4, 5], [0, 0, 2, 2, 2])
    index, row = jets.of_events(np.zeros(0, np.int64))
    assert (len(index), len(row)) == (0, 0)
