"""Flavours: each hadron flavour once, a binning for every measured flavour."""

import pytest

from deepsf.config.flavours import Flavour, measured_flavours, working_point_problems


def test_measured_flavours_keep_the_order_of_the_file():
    fixed = Flavour(hadron_flavours=(4,), scale_factor="unity")
    flavours = {"udsg": Flavour(hadron_flavours=(0,)), "c": fixed, "b": Flavour(hadron_flavours=(5,))}
    assert measured_flavours(flavours) == ("udsg", "b")


def test_a_hadron_flavour_belongs_to_one_flavour(tree, message):
    tree["flavours"]["b"]["hadron_flavours"] = [5, 4]
    assert "flavours.c: hadron flavour 4 already belongs to b" in message(tree)


def test_measured_flavours_and_binnings_go_together(tree, message):
    tree["binned"]["bins"]["light"] = tree["binned"]["bins"].pop("udsg")
    text = message(tree)
    assert "binned.bins: no binning for the measured flavour udsg" in text
    assert "binned.bins.light: not one of the flavours ['b', 'c', 'udsg']" in text


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ({"L": 0.5, "M": 0.3}, "tagger.working_points: not nested, L cuts at 0.5 and M at 0.3; a tighter one cuts"),
        ({"L": 0.1, "T": 0.7, "XT": 0.6}, "tagger.working_points: not nested, T cuts at 0.7 and XT at 0.6"),
        ({"M": 0.3, "mine": 0.3}, "tagger.working_points: M and mine both cut at 0.3; keep one of them"),
        ({"M": 30.4}, "tagger.working_points.M = 30.4: the discriminant lies between 0 and 1"),
        ({"M": 0.0}, "tagger.working_points.M = 0: the discriminant lies between 0 and 1"),
        ({"M": -0.1}, "tagger.working_points.M = -0.1: the discriminant lies between 0 and 1"),
        ({"M": 1}, "tagger.working_points.M = 1: the discriminant lies between 0 and 1"),
    ],
)
def test_working_points_are_nested_and_within_reach(tree, message, points, problem):
    tree["tagger"]["working_points"] = points
    assert problem in message(tree)


def test_names_of_working_points_have_an_order_by_convention_alone():
    assert not list(working_point_problems({"T": 0.7, "M": 0.3, "tight": 0.1}, 1.0))
