"""Identity of a file: equal for copies however they are written, and the luminosity blocks that it holds."""

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from tests.conftest import nanoaod_branches

N = 500


@pytest.fixture
def content(skim, make_nanoaod):
    """Return the digest of a file that is made with the given keywords."""

    def content(events_per_chunk=100_000, **changes):
        path = make_nanoaod(N, **changes)
        return skim(path, events_per_chunk=events_per_chunk)[0].content

    return content


def test_copies_are_alike_however_they_are_written_and_read(content):
    first = content()
    assert len(first) == 32
    assert content(name="other.root") == content(basket=77) == content(compression=None) == first
    assert content(events_per_chunk=33) == first


def test_one_changed_number_is_another_file(content):
    first, branches = content(), nanoaod_branches(N, 1)
    counts = ak.num(branches["Jet"].pt)
    changed = {first, content(seed=2)}
    for name in ("run", "luminosityBlock", "event"):
        values = branches[name].copy()
        values[N - 1] += 1
        changed.add(content(replace={name: values}))
    for name in ("pt", "btagDeepFlavB"):
        values = ak.to_numpy(ak.flatten(branches["Jet"][name])).copy()
        values[0] *= np.float32(1.01)
        changed.add(content(replace={f"Jet_{name}": ak.unflatten(values, counts)}))
    assert len(changed) == 6  # scores of another tagger make no other events


def test_files_without_events_have_no_digest(skim, make_nanoaod):
    assert skim(make_nanoaod(0))[0].content == ""


def test_blocks_of_which_no_event_is_left_are_processed_ones(skim, make_nanoaod, data, tmp_path):
    path = make_nanoaod(N, data=True)  # a hundred events a block of run 300000
    assert skim(path, sample=data)[0].luminosity_blocks == {"300000": [[1, 5]]}
    with uproot.update(path) as file:
        stored = {"run": np.array([300_000, 300_000, 299_999], "u4"), "luminosityBlock": np.array([5, 6, 2], "u4")}
        file["LuminosityBlocks"] = stored
    whole = {"299999": [[2, 2]], "300000": [[1, 6]]}
    assert skim(path, sample=data)[0].luminosity_blocks == whole
    assert skim(path, sample=data, events_per_chunk=30)[0].luminosity_blocks == whole
    golden = tmp_path / "golden.json"
    golden.write_text('{"300000": [[2, 3], [6, 90]]}')
    certified = skim(path, sample=data, certified=str(golden))[0].luminosity_blocks
    assert certified == {"300000": [[2, 3], [6, 6]]}
    assert len(LuminosityBlocks.of_ranges(certified)) == 3
