"""Cuts of the regions by hand."""

import numpy as np

from deepsf.config.regions import ColumnCut, Region, SameFlavourCuts
from deepsf.config.selection import CHANNELS
from deepsf.skim.regions import in_z_diamond, passes_event_cuts, passes_tag_cut


def test_z_diamond_has_the_four_sides_of_the_cms_code():
    # MHT = 20: 65.5 + 7.5 = 73 and 79 - 15 = 64 from below, 108 - 5 = 103 and 99 + 10 = 109 from above
    # MHT = 0: 65.5 and 79 from below, 108 and 99 from above
    # MHT = 70: 65.5 + 26.25 = 91.75 from below, 108 - 17.5 = 90.5 from above: closed
    mht = np.array([20.0] * 4 + [0.0] * 4 + [70.0])
    mll = np.array([72.9, 73.1, 102.9, 103.1, 78.9, 79.1, 98.9, 99.1, 91.0])
    inside = [False, True, True, False, False, True, True, False, False]
    assert in_z_diamond(mll, mht).tolist() == inside


def test_same_flavour_cuts_spare_emu_and_channels_are_kept(regions):
    channel = np.array([CHANNELS.index(name) for name in ("ee", "ee", "ee", "emu", "mumu", "mumu")])
    mll = np.array([91.0, 60.0, 60.0, 91.0, 101.1, 101.3])  # the window ends at 91.1876 + 10 = 101.1876
    met = np.array([40.0, 40.0, 20.0, 0.0, 40.0, 40.0])
    ones = np.full(6, 50.0)
    passed = passes_event_cuts(regions["hf"], channel, mll, met, ones, ones)
    assert passed.tolist() == [False, True, False, True, False, True]
    inside = np.array([91.0] * 6)
    passed = passes_event_cuts(regions["lf"], channel, inside, np.array([20.0, 30.0, 0, 0, 0, 0]), ones, ones * 0.1)
    assert passed.tolist() == [True, False, True, False, True, True]  # emu is no channel of lf; MET must be below 30
    low_pt_ll = passes_event_cuts(regions["lf"], channel, inside, ones * 0, np.full(6, 9.9), ones * 0.1)
    assert not low_pt_ll.any()
    far = SameFlavourCuts(z_window="inside", z_window_gev=50)
    wide = Region(enriched_flavour="b", channels=("ee",), tag_above=0.3, same_flavour=far)
    assert passes_event_cuts(wide, channel, inside * 0 + 60, met, ones, ones).tolist() == [True] * 3 + [False] * 3


def test_tag_jets_are_cut_on_further_columns(regions, tagger):
    region = regions["lf"].model_copy(
        update={"tag_columns": {"charm": ColumnCut(above=0.8), "width": ColumnCut(above=1.0, below=2.0)}}
    )
    score = np.array([0.01, 0.01, 0.01, 0.01, 0.9])
    columns = {"charm": np.array([0.9, 0.8, np.nan, 0.9, 0.9]), "width": np.array([1.5, 1.5, 1.5, 2.0, 1.5])}
    passed = passes_tag_cut(region, tagger.working_points, score, columns)
    assert passed.tolist() == [True, False, False, False, False]


def test_tag_cuts_are_strict_and_an_invalid_score_lies_below_every_working_point(regions, tagger):
    score = np.array([-1.0, 0.0, 0.0532, 0.3, 0.304, 0.305, 0.9])
    above = passes_tag_cut(regions["hf"], tagger.working_points, score)
    assert above.tolist() == [False] * 5 + [True] * 2
    below = passes_tag_cut(regions["lf"], tagger.working_points, score)
    assert below.tolist() == [True, True] + [False] * 5
    between = regions["hf"].model_copy(update={"tag_above": 0.1, "tag_below": "T"})
    assert passes_tag_cut(between, tagger.working_points, score).tolist() == [False] * 3 + [True] * 3 + [False]
