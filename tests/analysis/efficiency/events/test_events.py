"""`JetEvents`: ragged columns, their parquet form, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.efficiency.events.events import JetEvents, join, offsets_of


@pytest.fixture
def events() -> JetEvents:
    """Four events of 2, 0, 1 and 3 jets."""
    return JetEvents(
        offsets=offsets_of(np.array([2, 0, 1, 3])),
        pt_gev=np.array([90, 40, 55, 300, 200, 20], np.float32),
        eta=np.array([0.1, -2.4, 1.0, 0.0, 0.5, -0.5], np.float32),
        phi=np.array([3.1, -3.1, 0.0, 1.0, 2.0, -2.0], np.float32),
        flavour=np.array([0, 2, 1, 0, 0, 2], np.int8),
        tag_bin=np.array([1, 0, 2, 2, 1, 0], np.int8),
        weight=np.array([1.0, 0.5, -1.0, 1.0], np.float32),
        event=np.array([7, 8, 2**63 + 9, 10], np.uint64),
        flavours=("b", "c", "udsg"),
        working_points=("L", "M"),
    )


def same(one: JetEvents, other: JetEvents) -> bool:
    columns = ("offsets", "pt_gev", "eta", "phi", "flavour", "tag_bin", "weight", "event")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def test_jets_know_their_event_and_their_place_in_it(events):
    assert len(events) == 4
    assert events.n_jets.tolist() == [2, 0, 1, 3]
    assert events.event_of_jet.tolist() == [0, 0, 2, 3, 3, 3]
    assert events.rank.tolist() == [0, 1, 0, 0, 1, 2]


def test_written_and_read_events_are_the_same_with_types_and_names(events, tmp_path):
    events.write(tmp_path / "events.parquet")
    read = JetEvents.read(tmp_path / "events.parquet")
    assert same(read, events)
    assert (read.flavours, read.working_points) == (events.flavours, events.working_points)
    assert (read.offsets.dtype, read.flavour.dtype, read.event.dtype) == (np.int64, np.int8, np.uint64)


def test_discriminants_are_optional_and_follow_their_jets(events, tmp_path):
    scored = replace(events, discriminant=np.array([0.9, -1.0, 0.8, 0.7, 0.3, np.nan], np.float32))
    scored.check("sample test").write(tmp_path / "events.parquet")
    read = JetEvents.read(tmp_path / "events.parquet")
    np.testing.assert_array_equal(read.discriminant, scored.discriminant)
    assert events.discriminant is None
    first = np.array([True, True, False, False])
    parts = [scored.select(first), scored.select(~first)]
    np.testing.assert_array_equal(parts[1].discriminant, scored.discriminant[2:])
    np.testing.assert_array_equal(join(parts).discriminant, scored.discriminant)
    with pytest.raises(ValueError, match="some samples have the discriminant of their jets and others do not; give it"):
        join([parts[0], events.select(~first)])
    with pytest.raises(ValueError, match=r"discriminant must have one value a jet, shape \(6,\), got \(5,\)"):
        replace(scored, discriminant=scored.discriminant[1:]).check("sample test")


def test_equal_events_are_written_as_equal_bytes(events, tmp_path):
    for name in ("one", "other"):
        events.write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_selection_keeps_jets_with_their_events(events):
    chosen = events.select(np.array([False, True, True, True]))
    assert chosen.n_jets.tolist() == [0, 1, 3]
    assert chosen.pt_gev.tolist() == [55, 300, 200, 20]
    assert chosen.event.tolist() == [8, 2**63 + 9, 10]


def test_parts_joined_again_are_the_whole(events):
    first = np.array([True, True, False, False])
    assert same(join([events.select(first), events.select(~first)]), events)


def test_samples_of_other_working_points_are_not_joined(events):
    with pytest.raises(ValueError, match="samples differ in flavours or working points"):
        join([events, replace(events, working_points=("M", "T"))])
    with pytest.raises(ValueError, match="no events to join"):
        join([])


def test_good_events_pass_the_check(events):
    assert events.check("sample test") is events


@pytest.mark.parametrize(
    ("column", "jet", "value", "message"),
    [
        ("eta", 1, np.nan, "eta of 1 jets is not finite"),
        ("pt_gev", 5, -3.0, r"pt_gev of 1 jets is not above 0 \(lowest -3\)"),
        ("flavour", 0, 3, r"flavour must be an index into \['b', 'c', 'udsg'\], got \[3\]"),
        ("tag_bin", 0, -1, r"tag_bin must be a tag bin of the working points \['L', 'M'\], got \[-1\]"),
        (
            "phi",
            2,
            200.0,
            r"phi of 1 jets is not in \[-pi, pi\] \(farthest 200\) \(first in event 9223372036854775817, row 2",
        ),
        ("event", 1, 7, r"event numbers must differ, 1 of 4 are those of another event \(first 7\)"),
        (
            "pt_gev",
            4,
            400.0,
            r"jets of 1 events are not ordered by falling pT \(first in event 10, row 3\); order them",
        ),
    ],
)
def test_bad_columns_are_named_with_place_value_and_rule(events, column, jet, value, message):
    values = getattr(events, column).copy()
    values[jet] = value
    with pytest.raises(ValueError, match=f"sample test: {message}"):
        replace(events, **{column: values}).check("sample test")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("weight", np.ones(3, np.float32), r"weight must have one value an event, shape \(4,\), got \(3,\)"),
        ("eta", np.ones(7, np.float32), r"eta must have one value a jet, shape \(6,\), got \(7,\)"),
        ("offsets", np.array([0, 4, 2, 6]), r"offsets must begin with 0 and not fall, got \[0, 4, 2, 6\]"),
        ("offsets", np.array([0, 2]), "pt_gev must have one value a jet"),
    ],
)
def test_columns_that_do_not_fit_together_are_named(events, column, values, message):
    with pytest.raises(ValueError, match=f"sample test: {message}"):
        replace(events, **{column: values}).check("sample test")


def test_rising_pt_from_one_event_to_the_next_is_no_problem(events):
    assert events.pt_gev[2] < events.pt_gev[3]
    events.check("sample test")


def test_jets_in_mev_are_refused_and_a_single_jet_of_many_tev_is_not(events):
    message = (
        "sample test: pt_gev has the median 72500, above 7000 GeV, which no jet of the LHC exceeds: it is in MeV; d"
    )
    with pytest.raises(ValueError, match=message):
        replace(events, pt_gev=events.pt_gev * np.float32(1000)).check("sample test")
    hard = events.pt_gev.copy()
    hard[3] = 7500
    replace(events, pt_gev=hard).check("sample test")


def test_all_problems_are_named_at_once(events):
    bad = replace(events, weight=np.full(4, np.inf, np.float32), phi=np.full(6, np.nan, np.float32))
    with pytest.raises(ValueError, match=r"phi of 6 jets is not finite .*; weight of 4 events is not finite"):
        bad.check("sample test")


def test_another_parquet_file_is_refused_by_name(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"eta": [[1.0]]}), path)
    with pytest.raises(ValueError, match=r"other.parquet: not a file of jet events; it lacks event, flavour"):
        JetEvents.read(path)
