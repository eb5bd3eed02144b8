"""What CheckCampaign makes of tried files: blocks of files that were read in part."""

from dataclasses import replace

import pytest

from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from deepsf.probes.campaign_check import Trial, TriedFile, luminosity_problems
from tests.analysis.skim.hand_reports import report

CERTIFIED = {"mu": LuminosityBlocks.of_ranges({"1": [[1, 100]]})}


def problems(blocks, *, n_read, lists_blocks, n_files=1):
    skimmed = replace(report("mu", kind="data"), n_events=n_read, luminosity_blocks=blocks)
    tried = TriedFile("mu", "a.root", skimmed, n_events=1000, lists_blocks=lists_blocks)
    return [problem.what for problem in luminosity_problems(Trial([tried], {"mu": n_files}), CERTIFIED)]


@pytest.mark.parametrize(
    ("n_read", "lists_blocks", "n_files", "found"),
    [
        (1000, False, 1, True),  # all events were read, and have a tenth of the blocks
        (1000, True, 1, True),
        (50, True, 1, True),  # the file lists its blocks, whatever was read
        (50, False, 1, False),  # nobody knows the blocks of the other events
        (1000, True, 2, False),  # nor those of the other file
    ],
)
def test_blocks_are_missing_only_where_all_of_them_are_known(n_read, lists_blocks, n_files, found):
    names = problems({"1": [[1, 10]]}, n_read=n_read, lists_blocks=lists_blocks, n_files=n_files)
    missing = ["files are missing: certified luminosity blocks that no file of the sample holds"]
    assert names == (missing if found else [])


def test_no_certified_block_at_all_is_a_problem_in_any_case():
    assert problems({}, n_read=50, lists_blocks=False) == ["no certified luminosity block in the files"]
