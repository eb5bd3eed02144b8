"""Scale factors by ratio: regions and flavours that fit, as many regions as unknowns."""

import pytest

from deepsf.config.efficiency.ratio import EfficiencyRatio, ratio_problems

FLAVOURS = ("b", "c", "udsg")


def test_settings_that_do_not_fit_the_flavours_are_named():
    given = EfficiencyRatio(regions={"hf": {"b": 0.8, "udsg": 0.2}}, fixed={"s": 1.0})
    problems = "\n".join(ratio_problems(given, FLAVOURS))
    assert "efficiency.ratio.regions.hf: needs exactly the flavours ['b', 'c', 'udsg'], got ['b', 'udsg']" in problems
    assert "efficiency.ratio.fixed.s: not one of the flavours" in problems
    assert "efficiency.ratio.regions: 1 cannot tell 3 scale factors apart" in problems
    assert not list(ratio_problems(EfficiencyRatio(), FLAVOURS))
    without = EfficiencyRatio(regions={name: {"b": 0.5, "c": 0.0, "udsg": 0.5} for name in ("x", "y", "z")})
    assert list(ratio_problems(without, FLAVOURS)) == [
        "efficiency.ratio.regions: no region has c jets; give one a fraction of them"
    ]
    known = EfficiencyRatio(fixed=dict.fromkeys(FLAVOURS, 1.0))
    assert list(ratio_problems(known, FLAVOURS)) == [
        "efficiency.ratio.fixed: all scale factors are taken as known, none is left to find"
    ]
    with pytest.raises(ValueError, match=r"regions.hf: fractions add up to 1.1, must be 1"):
        EfficiencyRatio(regions={"hf": {"b": 0.9, "udsg": 0.2}})


def test_a_ratio_without_toy_is_refused(message):
    text = message("toy_small", ratio={})
    assert "efficiency.ratio: an experiment on generated jets, needs efficiency.toy; leave it out" in text
