"""Files on real servers, over root:// and http://: the same tables, and what happens when a server fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deepsf.nanoaod.attempts import ChangedFileError, identity_of, read_somewhere
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.listing import files_matching
from deepsf.nanoaod.root_file import UnreachableError
from tests.conftest import FILTER, TRIGGERS
from tests.workflow.campaign import Campaign
from tests.xrootd.conftest import Server

PROTOCOLS = ("root", "http")


@pytest.fixture(scope="module")
def server(xrootd):
    """A server that stays up."""
    return xrootd.server()


@pytest.fixture
def read(simulation, tagger, selection):
    """Return a function that reads the events of a file, and may do something after the first of eight chunks."""

    def events(location, redirectors=(), then=lambda: None, identity=None):
        def at(place):
            ntuple = inspect(place, simulation, tagger, selection)
            numbers = []
            for chunk in iterate(ntuple, 250):
                numbers += chunk.event.tolist()
                then()
            return numbers

        return read_somewhere(location, at, redirectors, identity)

    return events


def once(action):
    """Return a function that does it the first time only."""
    done = threading.Lock()
    return lambda: action() if done.acquire(blocking=False) else None


def test_skims_over_servers_are_those_of_local_files_row_by_row(xrootd, server, stored, make_nanoaod, tmp_path):
    """By ``law run`` with two processes: the client of the one that starts them must not come in their way."""
    names = [stored(make_nanoaod(3000, seed, name=f"mc_{seed}.root")) for seed in (1, 2)]
    data = make_nanoaod(3000, 3, name="data.root", data=True)
    files = {
        "local": [str(xrootd.store / name) for name in names],
        "root": [server.address("root", f"{name.partition('_')[0]}*.root") for name in names],
        "http": [server.address("http", name) for name in names],
        "named": [f"/store/{name}" for name in names],
    }
    sample = {"kind": "simulation", "cross_section_pb": 1.0, "generate": []}
    sections = {
        "generator": None,
        "campaign": {"certified": None, "redirectors": [server.redirector]},
        "samples": {
            **dict.fromkeys(("ttbar", "zjets")),
            "data": {"files": [str(data)], "generate": []},
            **{name: {**sample, "files": of_sample} for name, of_sample in files.items()},
        },
        "selection": {"triggers": {c: [path] for c, path in TRIGGERS.items()}, "event_filters": [FILTER]},
        "pileup": None,
        "jet_corrections": None,
    }
    campaign = Campaign(tmp_path, sections)
    done = campaign.law("SkimNtuples")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for name in names:
        for kind in ("entries", "jets"):
            first, *others = (one_table(campaign, sample, f"{Path(name).stem}_*_{kind}") for sample in files)
            assert first.num_rows > 0
            assert all(other.equals(first) for other in others)

    server.hang()  # what is up to date is known without it
    try:
        status = campaign.law("ShowStatus", "--task", "SkimNtuples")
    finally:
        server.go_on()
    assert "SkimNtuples up to date (9/9)" in status.stdout


def one_table(campaign, sample, pattern):
    (path,) = (campaign.outputs / "SkimNtuples" / sample).glob(f"{pattern}.parquet")
    return pq.read_table(path)


def test_patterns_are_listed_by_the_server(xrootd, server):
    for name in ("list/a/1.root", "list/a/deep/2.root", "list/a/.3.root", "list/b/4.root", "list/b/5.txt"):
        (xrootd.store / name).parent.mkdir(parents=True, exist_ok=True)
        (xrootd.store / name).touch()
    for pattern, found in {
        "list/*/*.root": ["a/1.root", "b/4.root"],
        "list/**/*.root": ["a/1.root", "a/deep/2.root", "b/4.root"],
        "list/a/[0-9].*": ["a/1.root"],
        "list/none/*.root": [],
    }.items():
        addresses = [server.address("root", f"list/{name}") for name in found]
        assert files_matching(server.address("root", pattern)) == addresses
    assert files_matching("root:///store/list/b/*.root", [server.redirector]) == ["root:///store/list/b/4.root"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_is_not_there_is_named_at_once(server, read, protocol):
    address, start = server.address(protocol, "absent.root"), time.monotonic()
    with pytest.raises(
        UnreachableError, match=r"absent\.root: unreachable, 1 attempt\(s\): 127\.0\.0\.1:\d+ 1 x, last "
    ):
        read(address)
    assert time.monotonic() - start < 5.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_is_written_anew_is_another_one(server, stored, make_nanoaod, xrootd, read, protocol):
    name = stored(make_nanoaod(2000))
    address = server.address(protocol, name)
    identity = identity_of(address)
    size = (xrootd.store / name).stat().st_size
    assert identity.startswith(f"{size}-")
    events = read(address, identity=identity)
    assert len(events) == 2000
    (xrootd.store / name).unlink()
    make_nanoaod(2000).rename(xrootd.store / name)
    with pytest.raises(ChangedFileError, match=f"another file than .*were {identity}"):
        read(address, identity=identity)


def test_a_server_that_is_killed_in_the_middle_is_replaced_by_a_redirector(xrootd, stored, make_nanoaod, read):
    path = make_nanoaod(2000)
    server, name = xrootd.server(), stored(path)
    through = xrootd.redirector()
    assert read(server.address("root", name), [through], then=once(server.kill)) == read(str(path))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_comes_back_is_read_from_anew(xrootd, stored, make_nanoaod, read, protocol):
    path = make_nanoaod(2000)
    server, name = xrootd.server(), stored(path)

    def die():
        server.kill()
        threading.Timer(4.0, server.start).start()

    assert read(server.address(protocol, name), then=once(die)) == read(str(path))


def test_servers_that_die_or_hang_are_named_within_a_minute(xrootd, stored, make_nanoaod, read):
    name = stored(make_nanoaod(2000))
    cases = []
    for end in (Server.kill, Server.hang):
        for protocol in PROTOCOLS:
            server = xrootd.server()
            cases.append((server.address(protocol, name), partial(end, server)))

    def outcome(case):
        address, end = case
        died = []

        def die():
            died.append(time.monotonic())
            end()

        with pytest.raises(UnreachableError) as error:
            read(address, then=once(die))
        return address, str(error.value), time.monotonic() - died[0]

    with ThreadPoolExecutor(len(cases)) as pool:
        for address, words, seconds in pool.map(outcome, cases):
            assert seconds < 60.0
            assert words.startswith(f"{address}: unreachable, ")
            assert "check the address and whether the server runs" in words
