"""Each event counts once: duplicates in one file, between two and three samples, in data and in simulation."""

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.skim.cut_flow import SkimError, read_report
from deepsf.skim.event_identity import MAX_SHARED, require_distinct_events

N = 2000


@pytest.fixture
def check(skim, make_nanoaod, data, simulation):
    """Compare files, each given by its name, sample and keywords for the fixture that makes it."""

    def check(*files, kind="data", selection=None):
        paths = []
        for number, (name, sample, changes) in enumerate(files):
            path = make_nanoaod(N, **{"seed": 1, "name": name, "data": kind == "data", **changes})
            settings = {"sample_name": sample, "sample": data if kind == "data" else simulation}
            settings |= {} if selection is None else {"selection": selection}
            paths.append(skim(path, str(number), **settings)[1:])
        require_distinct_events(paths, [read_report(entries) for entries, _ in paths])
        return paths

    return check


def numbers(first):
    return {"replace": {"event": np.arange(first, first + N, dtype=np.uint64)}}


def lines(error):
    return str(error.value).splitlines()


def test_events_of_other_numbers_runs_or_blocks_are_other_events(check):
    other_run = {"replace": {"run": np.full(N, 300_001, "u4")}}
    other_block = {"replace": {"luminosityBlock": np.full(N, 99, "u4")}}
    check(("a.root", "d", {}), ("b.root", "d", numbers(0)), ("c.root", "e", other_run), ("d.root", "e", other_block))
    check()


def test_events_that_are_twice_in_one_file_are_named(check):
    event = np.arange(N, dtype=np.uint64)
    event[N // 2 :] = event[: N // 2]
    twice = {"event": event, "luminosityBlock": np.ones(N, "u4")}
    # what else is in the events is random, so that few are selected both times
    with pytest.raises(SkimError) as error:
        check(("a.root", "muons", {"replace": twice}))
    assert str(error.value) in {
        f"{n} selected events of data are twice in a.root (muons), first run 300000, luminosity block 1, event "
        f"{number}: they would count twice; take the file off, or make it again"
        for n in range(1, 9)
        for number in range(N)
    }


def test_each_pair_of_files_is_named_with_its_number(check):
    with pytest.raises(SkimError) as error:
        check(("a.root", "muons", {}), ("b.root", "muons", {"basket": 77}), ("c.root", "electrons", {}))
    n, event = (lambda words: (int(words[0]), int(words[words.index("event") + 1][:-1])))(lines(error)[0].split())
    assert lines(error) == [
        f"{n} selected events of data are twice in {pair}, first run 300000, luminosity block 1, event {event}: they "
        f"would count twice; {way_out}"
        for pair, way_out in (
            ("a.root (muons) and b.root (muons)", "take one of the files off"),
            (
                "b.root (muons) and c.root (electrons)",
                "put the data samples into campaign.data_order if their triggers overlap, or take one of the files off",
            ),
        )
    ]
    assert n > 50


def test_one_shared_event_of_data_is_enough(check, skim, make_nanoaod, data):
    path = make_nanoaod(N, data=True)
    selected = pq.read_table(skim(path, sample=data)[2])["entry"].to_pylist()
    stored = np.arange(N, dtype=np.uint64) + np.uint64(2**40)
    others = stored + np.uint64(N)
    others[selected[3]] = stored[selected[3]]
    with pytest.raises(
        SkimError, match=rf"^1 selected events of data are twice in a\.root .* event {stored[selected[3]]}:"
    ):
        check(("a.root", "d", {}), ("b.root", "e", {"replace": {"event": others}}))


def test_events_with_too_few_jets_for_the_table_of_jets_are_compared_too(check, selection):
    three = selection.model_copy(update={"n_jets_min": 50})  # no event is in the table of jets
    paths = check(("a.root", "d", {}), selection=three)
    assert pq.read_table(paths[0][1]).num_rows == 0
    with pytest.raises(SkimError, match=r"selected events of data are twice in a\.root \(d\) and b\.root \(d\)"):
        check(("a.root", "d", {}), ("b.root", "d", {}), selection=three)


def test_many_pairs_are_counted_not_listed(check):
    with pytest.raises(SkimError) as error:
        check(*((f"{k}.root", "d", {}) for k in range(8)))
    assert len(lines(error)) == 6
    assert lines(error)[-1] == "and 2 more pairs of files"


def test_simulated_events_are_the_same_only_with_the_same_jets(check):
    # samples of simulation number their events alike: run 1, and blocks and events from 1 on
    check(("a.root", "ttbar", {}), ("b.root", "zjets", {"seed": 2}), kind="simulation")
    with pytest.raises(SkimError) as error:
        check(("a.root", "ttbar", {}), ("b.root", "ttbar", {"basket": 77}), kind="simulation")
    assert len(lines(error)) == 1
    assert (
        "selected events of simulation are twice in a.root (ttbar) and b.root (ttbar), first run 1, " in lines(error)[0]
    )
    assert lines(error)[0].endswith("they would count twice; take one of the files off")


def test_a_merged_file_beside_one_of_its_parts_is_found(skim, make_nanoaod, tmp_path):
    # neither is a copy of the other, so that their digests differ
    part, other = make_nanoaod(N, name="part.root"), make_nanoaod(N, 2, name="other.root")
    with uproot.recreate(tmp_path / "merged.root") as file:
        parts = [uproot.concatenate(f"{path}:Events", library="ak", how=dict) for path in (part, other)]
        names = [name for name in parts[0] if not name.startswith("n")]
        file["Events"] = {name: ak.concatenate([of_part[name] for of_part in parts]) for name in names}
        file["Runs"] = {"genEventSumw": np.array([2.0 * N])}
    skims = [skim(path, path.stem) for path in (part, tmp_path / "merged.root")]
    assert skims[0][0].content != skims[1][0].content
    with pytest.raises(SkimError, match=r"of simulation are twice in part\.root \(ttbar\) and merged\.root \(ttbar\)"):
        require_distinct_events([tables for _, *tables in skims], [report for report, *_ in skims])


def test_very_few_events_of_simulation_may_be_twice(check, monkeypatch):
    files = ("a.root", "ttbar", {}), ("b.root", "ttbar", {})
    for allowed in (1.0, 0.99):
        monkeypatch.setitem(MAX_SHARED, "simulation", allowed)
        if allowed == 1.0:
            check(*files, kind="simulation")
        else:
            with pytest.raises(SkimError, match="are twice in"):
                check(*files, kind="simulation")
