"""Files that are truncated, empty or not there."""

import pytest

from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused_wherever_they_are_cut(make_nanoaod, simulation, tagger, selection, fraction):
    path = make_nanoaod(1000)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(NtupleError, match=r"nano\.root: .*truncated or corrupt .*; copy the file again"):
        list(iterate(inspect(path, simulation, tagger=tagger, selection=selection)))


def test_files_without_events_tree_or_not_there_are_refused(make_nanoaod, simulation, tagger, selection, tmp_path):
    with pytest.raises(NtupleError, match=r"nano\.root: no Events tree \(the file holds Other \(TTree\), Runs"):
        inspect(make_nanoaod(20, tree="Other"), simulation, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match=r"absent\.root: no such file"):
        inspect(tmp_path / "absent.root", simulation, tagger=tagger, selection=selection)
