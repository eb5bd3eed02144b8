"""The toy: all flavours, factors that stay positive, ranges in order, nested working points."""

import pytest

from deepsf.config import load
from deepsf.config.efficiency.toy import EfficiencyToy, Neighbours, ToyKinematics, toy_problems
from tests.analysis.config.efficiency.conftest import CONFIGS

TOY = load(CONFIGS / "efficiency_toy.yaml").efficiency.toy
FLAVOURS = ("b", "c", "udsg")


def problems(**changes):
    return "\n".join(toy_problems(TOY.model_copy(update=changes), FLAVOURS))


def test_every_flavour_has_an_efficiency_and_all_neighbours():
    assert problems() == ""
    wanted = "needs exactly the flavours ['b', 'c', 'udsg']"
    assert problems(base={"b": TOY.base["b"]}) == f"efficiency.toy.base: {wanted}, got ['b']"
    rows = {**TOY.neighbours.amplitude, "c": {"b": 0.1}}
    text = problems(neighbours=TOY.neighbours.model_copy(update={"amplitude": rows}))
    assert text == f"efficiency.toy.neighbours.amplitude.c: {wanted}, got ['b']"


def test_working_points_are_nested_and_of_known_flavours():
    text = problems(working_points={"L": {"b": 0.8}, "T": {"b": 0.6, "c": 0.5, "udsg": 0.1, "s": 0.2}})
    assert text == "efficiency.toy.working_points.T.s: not one of the flavours ['b', 'c', 'udsg']"
    text = problems(working_points={"L": {"b": 0.5}, "T": {"b": 0.6, "c": 0.1, "udsg": 0.1}})
    assert "efficiency.toy.working_points: not nested for b, T (0.6) passes more jets than L (0.5)" in text


def test_points_come_from_loose_to_tight():
    changed = TOY.model_copy(update={"working_points": {"T": {"b": 0.5}, "L": {}, "M": {"b": 0.8}}})
    assert list(changed.nested_points) == ["L", "M", "T"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pt_min_gev": 500.0, "pt_max_gev": 400.0}, "pt_min_gev = 500 must be below pt_max_gev = 400"),
        ({"delta_r_min": 3.1, "delta_r_max": 3.0}, r"delta_r_min = 3\.1 must be below delta_r_max = 3"),
        ({"eta_max_leading": 2.6}, r"eta_max_leading = 2\.6 must be at most abseta_max = 2\.5"),
        ({"delta_r_max": 3.2}, "delta_r_max = 3.2 must be at most pi"),
    ],
)
def test_ranges_are_in_order(change, reason):
    with pytest.raises(ValueError, match=reason):
        ToyKinematics(**change)


def test_factors_of_neighbours_and_limits_of_efficiencies_make_sense():
    with pytest.raises(ValueError, match=r"amplitude\.b\.c = 1 must lie in \[-5, 1\)"):
        Neighbours(width={"b": 1.0}, amplitude={"b": {"c": 1.0}})
    given = {"base": TOY.base, "neighbours": TOY.neighbours}
    with pytest.raises(ValueError, match=r"efficiency_min = 0\.5 must be below efficiency_max = 0\.4"):
        EfficiencyToy(**given, efficiency_min=0.5, efficiency_max=0.4)
