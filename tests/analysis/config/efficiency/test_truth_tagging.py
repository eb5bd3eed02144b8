"""Truth tagging: numbers of tags, a working point that exists."""

import pytest


@pytest.mark.parametrize("selection", ["exactly", "at_least"])
def test_numbers_of_tags_are_not_negative(message, selection):
    text = message("efficiency_toy", truth_tagging={selection: [1, -1]})
    assert f"efficiency.truth_tagging.{selection}.1: Input should be greater than or equal to 0 (got -1)" in text


def test_the_working_point_of_a_tag_is_one_of_the_campaign(message):
    text = message("efficiency_toy", truth_tagging={"working_point": "T"})
    assert "efficiency.truth_tagging.working_point: 'T' is not one of ['M']" in text
