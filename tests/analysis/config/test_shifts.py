"""Systematic shifts: sources that exist, under names of their own."""

import pytest

from deepsf.config import Config


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        (
            {"contamination": {"lf": {"region": "x"}}},
            "contamination.lf.region: 'x' is not one of the regions ['hf', 'lf']",
        ),
        (
            {"contamination": {"lf": {"region": "hf", "flavour": "b"}}},
            "contamination.lf.flavour: 'b' does not contaminate region hf; it is one of ['c', 'udsg']",
        ),
        (
            {"contamination": {"lf": {"region": "hf", "size": 0}}},
            "move by up to 0 of their weight; it must",
        ),
        (
            {"contamination": {"lf": {"region": "hf", "size": 0.5, "pt_slope": -0.1, "score_slope": 0.4}}},
            "move by up to 1.11 of their weight; it must lie between 0 and 1",
        ),
        ({"contamination": {"lf": {"region": "hf", "pt_slope": 0.1}}}, "give size beside a slope; 0: the tilt alone"),
        ({"contamination": {"lf": {"region": "hf", "score_slope": float("nan")}}}, "contamination.lf.score_slope"),
        ({"kinematic": ["hf"]}, "shifts: source hf is named twice"),
        ({"weights": ["model"]}, "shifts: the name model belongs to another shift; choose another"),
        ({"weights": ["hfstats1"]}, "shifts: the name hfstats1 belongs to another shift; choose another"),
        ({"cferr": "c"}, "shifts.cferr: 'c' is not one of the measured flavours ['b', 'udsg']"),
        ({"weights": ["tagcut"]}, "shifts: the name tagcut belongs to another shift; choose another"),
        ({"tag_cuts": {"x": {"above": 0.5}}}, "shifts.tag_cuts.x: not one of the regions ['hf', 'lf']"),
        ({"tag_cuts": {"hf": {"above": "XXT"}}}, "shifts.tag_cuts.hf.above: 'XXT' is not one of the working points"),
        ({"tag_cuts": {"hf": {"above": 0.01}}}, "shifts.tag_cuts.hf.above = 0.01 is not tighter than tag_above"),
        ({"tag_cuts": {"lf": {"below": 0.99}}}, "shifts.tag_cuts.lf.below = 0.99 is not tighter than tag_below"),
        ({"tag_cuts": {"lf": {}}}, "give above, below or both"),
    ],
)
def test_sources_that_cannot_be_shifted_are_named(tree, message, shifts, expected):
    tree["shifts"] = shifts
    assert expected in message(tree)


def test_statistical_shifts_need_bootstraps(tree, message):
    tree["binned"]["n_bootstrap"] = 1
    assert "binned.n_bootstrap = 1: statistical shifts need at least 2" in message(tree)
    tree["shifts"] = {"statistics": False, "eigenvectors": 0, "cferr": "c"}
    assert "n_bootstrap" not in message(tree)


def test_sources_of_one_year_can_be_chosen(tree):
    tree["shifts"] = {"kinematic": ["jer", "jesAbsolute_2017"]}
    assert Config.model_validate(tree).shifts.kinematic == ("jer", "jesAbsolute_2017")
