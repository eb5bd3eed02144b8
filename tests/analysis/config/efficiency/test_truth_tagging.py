"""Truth tagging: numbers of tags, a working point that exists."""

import pytest

from deepsf.config.efficiency.truth_tagging import tag_point


@pytest.mark.parametrize("selection", ["exactly", "at_least"])
def test_numbers_of_tags_are_not_negative(message, selection):
    text = message("efficiency_toy", truth_tagging={selection: [1, -1]})
    assert f"efficiency.truth_tagging.{selection}.1: Input should be greater than or equal to 0 (got -1)" in text


def test_the_working_point_of_a_tag_is_one_of_the_campaign(message):
    text = message("efficiency_toy", truth_tagging={"working_point": "T"})
    assert "efficiency.truth_tagging.working_point: 'T' is not one of ['M']" in text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["L", "M", "T"], "M"),
        (["M"], "M"),
        (["M", "T"], "M"),
        (["L", "M", "T", "XT", "XXT"], "M"),
        (["70", "77", "85"], "77"),
        (["70", "77", "80", "85"], "77"),
        (["L"], "L"),
    ],
)
def test_medium_is_a_tag_unless_another_point_is_chosen(names, expected):
    assert tag_point(names) == expected
    assert tag_point(names, names[-1]) == names[-1]


GIVEN = {"file": "sf.json", "names": ["deepJet_comb", "deepJet_incl"]}


def test_systematics_are_keys_for_all_corrections_or_for_each(loaded):
    systematics = {"all": "up", "bc": {"deepJet_comb": "up_correlated"}, "stat*_up": "up_stat*"}
    found = loaded("efficiency_toy", truth_tagging={"scale_factors": {**GIVEN, "systematics": systematics}})
    assert found.efficiency.truth_tagging.scale_factors.systematics == systematics


@pytest.mark.parametrize(
    ("systematics", "expected"),
    [
        ({"b/c": "up"}, "systematics.b/c: a name has at most 100 letters, digits, _ . and -"),
        ({"x": {}}, "systematics.x: varies nothing; name a key, or leave it out"),
        ({"stat": "up_stat*"}, "systematics.stat: ['up_stat*'] and the name must all have one *, or none"),
        ({"*_*": "*_*"}, "systematics.*_*: ['*_*'] and the name must all have one *, or none"),
        ({"x": {"deepJet_com": "up"}}, "systematics.x.deepJet_com: no such correction; did you mean 'deepJet_comb'?"),
        ({"x": {"other": "up"}}, "x.other: no such correction; names has ['deepJet_comb', 'deepJet_incl']"),
        ({"x": 3}, "systematics.x"),
    ],
)
def test_systematics_that_no_file_can_have_are_named(message, systematics, expected):
    text = message("efficiency_toy", truth_tagging={"scale_factors": {**GIVEN, "systematics": systematics}})
    assert expected in text


def test_the_single_systematic_of_before_leads_to_the_new_key(message):
    text = message("efficiency_toy", truth_tagging={"scale_factors": {**GIVEN, "systematic": "up"}})
    assert "scale_factors.systematic: unknown key; did you mean 'systematics'?" in text
