"""Files of others to events: what codes mean, numbers of events, and each broken rule in one line."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.efficiency.efficiency import EfficiencySplit
from deepsf.config.efficiency.events import EventColumns
from deepsf.efficiency import event_numbers
from deepsf.efficiency.events.errors import JetEventsError
from deepsf.efficiency.events.from_files import EventFormat, divided, events_of_files
from tests.analysis.efficiency.events.hand_events import hand_events
from tests.analysis.efficiency.events.random_jets import random_events

COLUMNS = EventColumns(pt_gev="pt", eta="eta", phi="phi", flavour="label", tag_bin="tag", weight="w", event="number")
CODES = {"b": (1,), "c": (2,), "udsg": (3, 0)}
FORMAT = EventFormat(CODES, ("L", "M"), COLUMNS)


def jets(**changed):
    """Return three events of 2, 0 and 1 jets as columns."""
    columns = {
        "pt": [[90.0, 40.0], [], [55.0]],
        "eta": [[0.1, -2.4], [], [1.0]],
        "phi": [[3.1, -3.1], [], [0.0]],
        "label": [[1, 3], [], [2]],
        "tag": [[2, 0], [], [1]],
        "w": [1.0, 0.5, -1.0],
        "number": [7, 8, 12],
    }
    return {name: values for name, values in {**columns, **changed}.items() if values is not None}


@pytest.fixture
def read(tmp_path):
    """Return a function that writes a file and reads its events."""

    def of(columns, given=FORMAT, name="mine.parquet"):
        path = tmp_path / name
        if path.suffix == ".root":
            with uproot.recreate(path) as file:
                file.mktree("Events", {key: array.type.content for key, array in columns.items()}).extend(columns)
        else:
            pq.write_table(pa.table(columns), path)
        return events_of_files([path], given, "train")

    return of


@pytest.mark.parametrize("name", ["mine.parquet", "mine.root"])
def test_columns_become_events_whatever_the_file(read, name):
    events = read(typed(jets()) if name.endswith("root") else jets(), name=name)
    assert events.n_jets.tolist() == [2, 0, 1]
    assert events.pt_gev.tolist() == [90, 40, 55]
    assert events.flavours == ("b", "c", "udsg")
    assert events.flavour.tolist() == [0, 2, 1]
    assert events.tag_bin.tolist() == [2, 0, 1]
    assert (events.weight.tolist(), events.event.tolist()) == ([1.0, 0.5, -1.0], [7, 8, 12])
    assert events.source is None


def typed(columns):
    """Return columns whose empty lists have a type: ROOT has no other."""
    kinds = {"label": np.int32, "tag": np.int8, "number": np.int64}
    return {name: ak.values_astype(ak.Array(values), kinds.get(name, np.float32)) for name, values in columns.items()}


def test_weights_and_numbers_are_made_where_there_are_none(read, tmp_path):
    given = FORMAT._replace(columns=COLUMNS.model_copy(update={"event": None, "weight": None}))
    events = read(jets(), given)
    assert events.weight.tolist() == [1, 1, 1]
    assert len(np.unique(events.event)) == 3
    # neither the folder nor other files change a number
    (tmp_path / "other").mkdir()
    moved = (tmp_path / "mine.parquet").rename(tmp_path / "other" / "mine.parquet")
    more, namesake = tmp_path / "more.parquet", tmp_path / "other" / "more.parquet"
    for path in (more, namesake):
        pq.write_table(pa.table(jets()), path)
    together = events_of_files([moved, more], given, "train")
    assert set(together.event) > set(events.event)
    assert events_of_files([more, moved], given, "train").event.tolist() == together.event.tolist()
    with pytest.raises(
        ValueError, match=r"efficiency\.events\.train: 2 files are called more\.parquet, and event numb"
    ):
        events_of_files([more, namesake], given, "train")


def test_events_whose_number_repeats_from_run_to_run_are_told_apart(read):
    columns = COLUMNS.model_copy(update={"run": "run", "luminosity_block": "block"})
    repeated = jets(number=[7, 7, 7], run=[1, 1, 2], block=[5, 6, 5])
    events = read(repeated, FORMAT._replace(columns=columns))
    assert events.event.tolist() == event_numbers([1, 1, 2], [5, 6, 5], [7, 7, 7], "train").tolist()
    assert (events.source.samples, events.source.run.tolist()) == (("train",), [1, 1, 2])
    with pytest.raises(
        ValueError, match=r"event numbers must differ, 2 of 3 are .* \(first 7\); .*event_numbers or eff"
    ):
        read(repeated)


def test_a_score_is_cut_and_mev_are_divided(read):
    columns = EventColumns(pt_mev="pt", eta="eta", phi="phi", flavour="label", score="s", event="number")
    scored = jets(pt=[[90e3, 40e3], [], [55e3]], s=[[0.3, 0.1], [], [0.9]])
    events = read(scored, EventFormat(CODES, ("L", "M"), columns, {"L": 0.1, "M": 0.3}))
    assert events.pt_gev.tolist() == [90, 40, 55]
    # passed above the cut, not at it
    assert events.tag_bin.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"label": [[1, 9], [], [2]]},
            "event 7 (row 0): label = 9, which must be a code of the flavours {'b': [1], 'c': [2], 'udsg': [3, 0]} "
            "(1 of 3 jets are not); add it to flavours.*.hadron_flavours",
        ),
        (
            {"tag": [[2, 0], [], [3]]},
            "event 12 (row 2): tag = 3, which must be a number of passed working points, from 0 to the 2 of ['L', 'M'] "
            "(1 of 3 jets are not); correct efficiency.working_points",
        ),
        (
            {"eta": [[0.1, -2.4], [], [np.nan]]},
            "event 12 (row 2): eta = nan, which must be a finite number (1 of 3 jets are not); leave such jets out of "
            "the file",
        ),
        (
            {"pt": [[40.0, 90.0], [], [55.0]]},
            "jets of 1 events are not ordered by falling pT (first in event 7, row 0); order them, in awkward "
            "jets[ak.argsort(jets.pt, ascending=False)]",
        ),
        (
            {"pt": [[9e4, 4e4], [], [5e4]]},
            "pt_gev has the median 50000, above 7000 GeV, which no jet of the LHC exceeds: it is in MeV; divide it by "
            "1000",
        ),
        (
            {"phi": [[3.1, 170.0], [], [0.0]]},
            "phi reaches 170; it must be in radians; correct efficiency.events.columns.phi",
        ),
        (
            {"eta": [[0.1], [], [1.0]]},
            "row 0 has 2 values of pt and 1 of eta; name columns of the same jets in efficiency.events.columns",
        ),
        (
            {"eta": [0.1, 0.2, 0.3]},
            "eta has one value an event, not a list of one a jet; name another column in efficiency.events.columns",
        ),
        (
            {"w": [[1.0], [], [1.0]]},
            "w is a list in every event, not one value; name another column in efficiency.events.columns",
        ),
        ({"w": [1.0, np.inf, 1.0]}, "weight of 1 events is not finite (first of event 8, row 1)"),
        (
            {"number": [1.0, 2.0, 3.0]},
            "event numbers must be whole and at least 0, got float64 from 1.0 on; correct efficiency.events.columns",
        ),
        (
            {"phi": None},
            "has no column phi (efficiency.events.columns.phi); it has pt, eta, label, tag, w, number",
        ),
    ],
)
def test_a_broken_rule_is_one_line_with_file_event_value_rule_and_way_out(read, tmp_path, changed, message):
    with pytest.raises(JetEventsError, match="mine") as error:  # of deepsf: the terminal shows its message alone
        read(jets(**changed))
    assert str(error.value) == f"{tmp_path / 'mine.parquet'}: {message}"


def test_files_written_here_need_no_columns_and_keep_their_flavours_by_name(tmp_path):
    events = hand_events([[(90, 0.1, 3.1, "b", 1), (40, 0, 0, "udsg", 0)]])
    events.write(tmp_path / "own.parquet")
    given = EventFormat({"udsg": (0,), "b": (5,), "c": (4,)}, ("M",))
    found = events_of_files([tmp_path / "own.parquet"], given, "train")
    assert found.flavours == ("udsg", "b", "c")
    assert found.flavour.tolist() == [1, 0]
    with pytest.raises(
        ValueError, match=r"own\.parquet: has tag bins of the working points \['M'\], but efficiency\.wor"
    ):
        events_of_files([tmp_path / "own.parquet"], given._replace(working_points=("L", "M")), "train")
    with pytest.raises(ValueError, match=r"of which \['c'\] are none of the configuration's \['udsg', 'b'\]; name the"):
        events_of_files([tmp_path / "own.parquet"], EventFormat({"udsg": (0,), "b": (5,)}, ("M",)), "train")
    pq.write_table(pa.table(jets()), tmp_path / "foreign.parquet")
    with pytest.raises(
        ValueError, match=r"not a file of jet events; .* or the names of columns in efficiency\.events\.c"
    ):
        events_of_files([tmp_path / "foreign.parquet"], given, "train")


def test_no_event_at_all_is_an_error(tmp_path):
    nothing = random_events(3)
    nothing = nothing.select(np.zeros(3, bool))
    replace(nothing, weight=nothing.weight).write(tmp_path / "empty.parquet")
    given = EventFormat({name: (k,) for k, name in enumerate(nothing.flavours)}, nothing.working_points)
    with pytest.raises(ValueError, match=r"efficiency\.events\.train: no event in 1 files; name others"):
        events_of_files([tmp_path / "empty.parquet"], given, "train")


def test_the_number_decides_whether_an_event_is_trained_on_or_tested():
    events = random_events(4000)
    parts = divided(events, EfficiencySplit(test_fraction=0.25))
    assert sorted([*parts["train"].event, *parts["test"].event]) == sorted(events.event)
    assert len(parts["test"]) / 4000 == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 4000))
    again = divided(events.select(events.event % 3 == 0), EfficiencySplit(test_fraction=0.25))
    assert set(again["test"].event) <= set(parts["test"].event)
