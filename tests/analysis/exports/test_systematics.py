"""Names of shifts, ours and those of files."""

from __future__ import annotations

import pytest

from deepsf.exports.systematics import acts_on_charm_alone, shift_of, source_of, systematic_of


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("nominal", "central"),
        ("lf_up", "up_lf"),
        ("cferr1_down", "down_cferr1"),
        ("jesTotal_up", "up_jes"),
        ("jesAbsolute_2017_down", "down_jesAbsolute_2017"),
        ("stat0_up", "up_stat0"),
    ],
)
def test_names_of_shifts_go_both_ways_and_either_form_is_taken(ours, theirs):
    assert systematic_of(ours) == systematic_of(theirs) == theirs
    assert shift_of(theirs) == shift_of(ours) == ours


def test_only_cferr_acts_on_charm_alone():
    assert [acts_on_charm_alone(s) for s in ("cferr1_up", "down_cferr2", "lf_up", "central")] == [
        True,
        True,
        False,
        False,
    ]
    assert (source_of("lf_up"), source_of("up_lf"), source_of("nominal")) == ("lf", "lf", "central")
