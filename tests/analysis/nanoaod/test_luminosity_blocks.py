"""Luminosity blocks: the mask of coffea, JSON files as they are met, and what a file says it was made from."""

import json

import numpy as np
import pytest
import uproot
from coffea.lumi_tools import LumiMask

from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks, LuminosityError, joined, keys_of, stored_blocks
from deepsf.nanoaod.root_file import NtupleError

RANGES = {"297050": [[12, 137], [193, 776]], "299370": [[5, 5]], "306462": [[1, 2], [4, 4294967295]]}


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "golden.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_the_mask_is_that_of_coffea(write):
    rng = np.random.default_rng(1)
    golden = {}
    for run in rng.choice(np.arange(299_000, 299_400), 80, replace=False):
        limits = np.sort(rng.choice(np.arange(1, 400), 2 * rng.integers(1, 6), replace=False))
        golden[str(run)] = limits.reshape(-1, 2).tolist()
    path = write(golden)
    run, block = rng.integers(298_990, 299_410, 200_000), rng.integers(1, 410, 200_000)
    mask = LuminosityBlocks.load(path).contain(keys_of(run, block))
    np.testing.assert_array_equal(mask, LumiMask(str(path))(run.astype(np.uint32), block.astype(np.uint32)))
    assert 5_000 < np.count_nonzero(mask) < 100_000


@pytest.mark.parametrize(
    ("run", "block", "is_certified"),
    [
        (297050, 11, False),
        (297050, 12, True),
        (297050, 137, True),
        (297050, 138, False),
        (297050, 192, False),
        (297050, 776, True),
        (297050, 777, False),
        (297049, 12, False),
        (299370, 5, True),
        (299370, 4, False),
        (306462, 2**32 - 1, True),
        (306463, 1, False),
        (1, 1, False),
    ],
)
def test_ranges_hold_their_ends(write, run, block, is_certified):
    blocks = LuminosityBlocks.load(write(RANGES))
    assert blocks.contain(keys_of(np.array([run]), np.array([block]))).tolist() == [is_certified]


def test_ranges_may_overlap_and_need_no_order(write):
    blocks = LuminosityBlocks.load(write({"2": [[7, 9], [1, 3], [2, 5]], "1": [[3, 4], [1, 2]], "3": []}))
    assert blocks.ranges == {"1": [[1, 4]], "2": [[1, 5], [7, 9]]}
    assert len(blocks) == 4 + 5 + 3
    assert joined([{"2": [[4, 6]]}, blocks.ranges, {}]).ranges == {"1": [[1, 4]], "2": [[1, 9]]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"1": [[1, 2]', r"not a readable JSON of luminosity blocks \(Expecting ',' delimiter.*\); correct certified"),
        ('{"1": [[1, 2]], "1": [[5, 6]]}', r"not a readable JSON of luminosity blocks \('1' is there 2 times\)"),
        ("[" * 100_000, "not a readable JSON of luminosity blocks"),
        ("[[1, 2]]", "must map runs to ranges of luminosity blocks, got list$"),
        ("null", "must map runs to ranges of luminosity blocks, got NoneType$"),
        ("{}", "certifies no luminosity block; correct certified in the config$"),
        ('{"1": [], "2": []}', "certifies no luminosity block"),
        ('{"A": [[1, 2]]}', "'A' is not the number of a run$"),
        ('{"-1": [[1, 2]]}', "'-1' is not the number of a run$"),
        ('{"4294967296": [[1, 2]]}', "'4294967296' is not the number of a run$"),
        (f'{{"{"9" * 5000}": [[1, 2]]}}', "9' is not the number of a run$"),
        ('{"1": {"2": 3}}', "run 1 must have a list of ranges, got {'2': 3}$"),
        ('{"1": [5]}', r"run 1 has 5, not a range \[first block, last block\]$"),
        ('{"1": [[5, 2]]}', r"run 1 has \[5, 2\], not a range"),
        ('{"1": [[-1, 2]]}', r"run 1 has \[-1, 2\], not a range"),
        ('{"1": [[1.0, 2]]}', r"run 1 has \[1\.0, 2\], not a range"),
        ('{"1": [[true, 2]]}', r"run 1 has \[True, 2\], not a range"),
        ('{"1": [[1, NaN]]}', r"run 1 has \[1, nan\], not a range"),
        ('{"1": [[1, 4294967296]]}', r"run 1 has \[1, 4294967296\], not a range"),
        ('{"1": [[1, 2, 3]]}', r"run 1 has \[1, 2, 3\], not a range"),
    ],
)
def test_a_damaged_json_is_refused_in_one_line(write, content, message):
    path = write(content)
    with pytest.raises(LuminosityError, match=message) as error:
        LuminosityBlocks.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
    binary = tmp_path / "golden.json.gz"
    binary.write_bytes(b"\x1f\x8b\x08\xff\xfe")
    for path in (tmp_path / "absent.json", tmp_path, binary):
        with pytest.raises(LuminosityError, match=rf"^{path}: not a readable JSON of luminosity blocks \("):
            LuminosityBlocks.load(path)


def test_blocks_of_keys_are_joined_to_ranges():
    run = np.array([5, 5, 5, 5, 7, 5])
    block = np.array([3, 1, 2, 9, 2**32 - 1, 3])
    blocks = LuminosityBlocks.of_keys(keys_of(run, block))
    assert blocks.ranges == {"5": [[1, 3], [9, 9]], "7": [[2**32 - 1, 2**32 - 1]]}
    assert len(blocks) == 5
    assert LuminosityBlocks.of_keys(np.zeros(0, np.uint64)).ranges == {}
    # CMS counts from 1; private files that begin at 0 can be written and read again
    from_zero = LuminosityBlocks.of_keys(keys_of(np.array([0, 0]), np.array([1, 0])))
    assert joined([from_zero.ranges]).ranges == {"0": [[0, 1]]}


def test_blocks_within_ranges_of_runs(write):
    blocks = LuminosityBlocks.load(write(RANGES))
    assert blocks.within([]).ranges == RANGES
    assert list(blocks.within([(297050, 297050), (300000, 306462)]).ranges) == ["297050", "306462"]
    assert len(blocks.within([(1, 2)])) == 0
    assert not blocks.within([(1, 2)]).contain(keys_of(np.array([297050]), np.array([12]))).any()


def tree_file(path, **columns):
    with uproot.recreate(path) as file:
        file["LuminosityBlocks"] = columns
    return str(path)


def test_a_file_says_which_blocks_it_was_made_from(tmp_path, make_nanoaod):
    stored = tree_file(tmp_path / "full.root", run=np.array([7, 7], "u4"), luminosityBlock=np.array([2, 3], "u4"))
    assert LuminosityBlocks.of_keys(stored_blocks(stored)).ranges == {"7": [[2, 3]]}
    assert not len(stored_blocks(str(make_nanoaod(10, data=True))))
    assert not len(stored_blocks(tree_file(tmp_path / "other.root", run=np.array([7], "u4"))))
    negative = tree_file(tmp_path / "bad.root", run=np.array([7, 7]), luminosityBlock=np.array([2, -3]))
    with pytest.raises(NtupleError, match=r"bad\.root: branch LuminosityBlocks/luminosityBlock is -3 for 1 of 2"):
        stored_blocks(negative)
