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
