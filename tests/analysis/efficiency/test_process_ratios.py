"""Efficiencies of one process over those of another, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.process_ratios import process_ratios
from tests.analysis.efficiency.events.hand_events import flat_events, model


def single_jets(n_tagged, n_jets, pt_gev=50.0, **columns):
    """Return events of one b jet each, the first of them tagged."""
    tags = np.arange(n_jets) < n_tagged
    pt = np.full(n_jets, pt_gev)
    return flat_events(np.ones(n_jets, int), pt_gev=pt, tag_bin=tags, flavours=("b",), **columns)


def test_ratios_and_errors_are_those_worked_out_by_hand():
    process, test = single_jets(30, 100), single_jets(40, 200)
    members = np.full((2, 100), 0.25)
    members[1] = 0.35
    found = process_ratios(process, model(None, members), test, [20, 100])["b"]["M"]
    assert found.pt_gev.tolist() == [20, 100]
    # 0.3 over 0.2; variances of the rates 0.3 0.7 / 100 and 0.2 0.8 / 200
    assert found.mc_mc.tolist() == pytest.approx([1.5])
    assert found.mc_mc_stat.tolist() == pytest.approx([1.5 * np.sqrt(0.7 / 30 + 0.8 / 40)])
    # 30 tags of 30 predicted; the members predict 25 and 35, which scatter by 7.07
    assert found.residual.tolist() == pytest.approx([1.0], rel=1e-6)
    assert found.residual_stat.tolist() == pytest.approx([np.sqrt(0.3 * 0.7 * 100) / 30])
    assert found.residual_spread.tolist() == pytest.approx([np.sqrt(50) / 30], rel=1e-6)


def test_chi2_is_in_units_of_both_errors():
    found = process_ratios(single_jets(30, 100), model(np.full(100, 0.2)), single_jets(40, 200), [20, 100])["b"]["M"]
    # 30 tags, 20 predicted with a variance of 100 0.2 0.8 = 16
    assert found.chi2 == pytest.approx(10**2 / 16, rel=1e-6)


def test_bins_are_merged_until_both_samples_have_ten_tags():
    # tags and jets: 12 of 24, 9 of 18, 14 of 28, none above 300 GeV
    pt, tags = np.repeat([200.0, 60.0, 30.0], [24, 18, 28]), np.tile([1, 0], 35)
    process = flat_events(np.ones(70, int), pt_gev=pt, tag_bin=tags, flavours=("b",))
    found = process_ratios(process, model(np.full(70, 0.25)), process, [20, 50, 100, 300, 1000])["b"]["M"]
    assert found.pt_gev.tolist() == [20, 50, 1000]
    assert found.residual.tolist() == [2.0, 2.0]


def test_what_has_too_few_tags_or_no_positive_sum_is_left_out():
    enough, few = single_jets(30, 100), single_jets(9, 100)
    half = model(np.full(100, 0.5))
    assert process_ratios(few, half, enough, [20, 100]) == {}
    assert process_ratios(enough, half, few, [20, 100]) == {}
    negative = replace(enough, weight=-enough.weight)
    assert process_ratios(negative, half, enough, [20, 100]) == {}
    with pytest.raises(ValueError, match="samples must have the same flavours and working points, got"):
        process_ratios(enough, half, replace(enough, working_points=("T",)), [20, 100])


def test_each_working_point_has_its_own():
    events = replace(single_jets(30, 100), working_points=("L", "T"), tag_bin=np.repeat([2, 1, 0], [10, 20, 70]))
    both = ModelEfficiencies(np.full((100, 2), [0.3, 0.1], np.float32))
    found = process_ratios(events, both, events, [20, 100])["b"]
    assert [float(found[name].residual[0]) for name in ("L", "T")] == pytest.approx([1.0, 1.0], rel=1e-6)
