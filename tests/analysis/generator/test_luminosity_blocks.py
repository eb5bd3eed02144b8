"""Runs and luminosity blocks of generated events."""

import numpy as np
import pytest

from deepsf.generator.luminosity_blocks import Blocks, in_one_run

CERTIFIED = {"7": [[3, 4], [10, 10]], "5": [[1, 2]], "9": [[1, 100]]}


def test_blocks_are_certified_ones_of_the_runs_and_all_of_them_come_up():
    blocks = Blocks.of_certified(CERTIFIED, [(5, 7)])
    run, block = blocks.of_events(np.arange(2000, dtype=np.uint64))
    assert run.dtype == block.dtype == np.uint32
    assert set(zip(run.tolist(), block.tolist(), strict=True)) == {(5, 1), (5, 2), (7, 3), (7, 4), (7, 10)}
    everywhere, _ = Blocks.of_certified(CERTIFIED, []).of_events(np.arange(10_000, dtype=np.uint64))
    assert set(everywhere.tolist()) == {5, 7, 9}
    with pytest.raises(
        ValueError, match=r"no certified luminosity block lies in the runs \[\[10, 20\]\] of pseudo-data"
    ):
        Blocks.of_certified(CERTIFIED, [(10, 20)])


def test_files_of_a_sample_share_the_certified_blocks():
    blocks = Blocks.of_certified(CERTIFIED, [(5, 7)])
    assert blocks.of_part(0, 1).tolist() == [[5, 1], [5, 2], [7, 3], [7, 4], [7, 10]]
    assert blocks.of_part(1, 3).tolist() == [[5, 2], [7, 10]]
    parts = np.concatenate([blocks.of_part(part, 3) for part in range(3)])
    assert sorted(parts.tolist()) == blocks.of_part(0, 1).tolist()
    # nobody knows which blocks of a run are certified
    assert Blocks.of_runs([(5, 7)]).of_part(0, 1).shape == (0, 2)


def test_few_events_lie_all_over_a_period():
    run, block = Blocks.of_runs([(1001, 1100), (2001, 2100)]).of_events(10**8 + np.arange(2000, dtype=np.uint64))
    assert (run[:20] == run[0]).all()  # events of a block
    assert (block[:20] == block[0]).all()
    assert 1 <= block.min() < block.max() <= 1000
    # 100 blocks in golden steps: none of 20 equal parts of the period is empty
    part = np.where(run < 2000, run - 1001, run - 2001 + 100) // 10
    assert set(part.tolist()) == set(range(20))


def test_a_block_of_one_run_has_a_thousand_events():
    run, block = in_one_run(np.array([1, 999, 1000], np.uint64), 300001)
    assert run.tolist() == [300001] * 3
    assert block.tolist() == [1, 1, 2]
