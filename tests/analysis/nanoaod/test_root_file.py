"""Files that are truncated, empty, not there, or no files."""

import os

import numpy as np
import pytest

from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError, UnreachableError, UnreadableError, open_root, unreadable
from tests.conftest import as_rntuple


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused_wherever_they_are_cut(make_nanoaod, simulation, tagger, selection, fraction):
    path = make_nanoaod(1000)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(
        NtupleError, match=r"nano\.root: unreadable, not a ROOT file, truncated or corrupt .*; copy the file again"
    ):
        list(iterate(inspect(path, simulation, tagger=tagger, selection=selection)))


def test_files_without_events_tree_or_not_there_are_refused(make_nanoaod, simulation, tagger, selection, tmp_path):
    with pytest.raises(NtupleError, match=r"nano\.root: no Events tree \(the file holds Other \(TTree\), Runs"):
        inspect(make_nanoaod(20, tree="Other"), simulation, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match=r"absent\.root: no such file"):
        inspect(tmp_path / "absent.root", simulation, tagger=tagger, selection=selection)


def test_folders_pipes_and_devices_are_refused_before_they_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.root")
    with pytest.raises(UnreadableError, match=r"pipe\.root: not a regular file but a device, a pipe or a socket; take"):
        open_root(str(tmp_path / "pipe.root")).__enter__()
    with pytest.raises(NtupleError, match=r"/dev/zero: not a regular file"):
        open_root("/dev/zero").__enter__()
    with pytest.raises(
        NtupleError, match=r"a folder, not a file; name it in the sample's files, which take all \*\.root"
    ):
        open_root(str(tmp_path)).__enter__()


def test_any_error_of_a_server_makes_the_file_unreachable_and_on_disk_unreadable():
    error = TypeError("'ClientConnectorError' object is not subscriptable\nmore")
    of_url = unreadable("http://a/x.root", error, "reading events from number 5 on")
    assert isinstance(of_url, UnreachableError)
    assert str(of_url) == (
        "http://a/x.root: unreachable (TypeError while reading events from number 5 on: 'ClientConnectorError' object "
        "is not subscriptable); check the address and whether the server runs"
    )
    assert not of_url.is_final
    assert unreadable("root://a//x.root", OSError("[3011] no such file"), "opening it").is_final
    assert not isinstance(unreadable("/x.root", error, "opening it"), UnreachableError)


def test_events_may_be_an_rntuple(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(1000)
    chunks = [
        list(iterate(inspect(file, simulation, tagger=tagger, selection=selection), events_per_chunk=400))
        for file in (path, as_rntuple(path))
    ]
    assert [chunk.n_events for chunk in chunks[1]] == [400, 400, 200]
    for tree, rntuple in zip(*chunks, strict=True):
        np.testing.assert_array_equal(rntuple.event, tree.event)
        np.testing.assert_array_equal(rntuple.jets.offsets, tree.jets.offsets)
        np.testing.assert_array_equal(rntuple.jets.columns["pt"], tree.jets.columns["pt"])
