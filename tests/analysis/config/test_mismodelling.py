"""Departures of pseudo-data from simulation: by hand, and out of range."""

import re
from pathlib import Path

import numpy as np
import pytest

from deepsf.config import load
from deepsf.config.mismodelling import Departure, Mismodelling

TOY = Path(__file__).parents[3] / "configs" / "toy.yaml"


def test_nothing_is_wrong_by_default():
    generator = load(TOY).generator
    assert generator.mismodelling == Mismodelling()
    assert (generator.tagger_correlation, generator.mismodelling.tag_probe_correlation) == (0.0, 0.0)
    assert generator.mismodelling.of("ttbar") == {}
    assert Departure().frequency(1.0) == 1.0


def test_frequency_by_hand():
    # 180 GeV = 3 x 60 GeV: 1 + 0.2 + 0.1; 20 GeV = 60 GeV / 3: 1 + 0.2 - 0.1
    departure = Departure(rate=0.2, pt_slope=0.1)
    assert departure.frequency(np.log(np.array([180.0, 60.0, 20.0]) / 60)) == pytest.approx([1.3, 1.2, 1.1])


def test_departures_are_those_of_the_process():
    departures = {"ttbar": {"udsg": {"rate": 0.2}}, "zjets": {"b": {"score_slope": -0.3}}}
    mismodelling = Mismodelling(departures=departures)
    assert mismodelling.of("ttbar") == {"udsg": Departure(rate=0.2)}
    assert mismodelling.of("zcc") == mismodelling.of(None) == {}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tag_probe_correlation": 0.9}, "generator.mismodelling.tag_probe_correlation: .* less than or equal to 0.85"),
        ({"tag_probe_correlation": float("nan")}, "generator.mismodelling.tag_probe_correlation"),
        ({"departures": {"wjets": {}}}, "generator.mismodelling.departures.wjets"),
        ({"departures": {"ttbar": {"g": {}}}}, "generator.mismodelling.departures.ttbar.g"),
        (
            {"departures": {"ttbar": {"udsg": {"score_slope": 1.0}}}},
            r"generator.mismodelling.departures.ttbar.udsg.score_slope: .* less than or equal to 0.9",
        ),
        # 1 - 0.5 - 0.4 x ln(10) / ln(3) = -0.338
        (
            {"departures": {"ttbar": {"c": {"rate": -0.5, "pt_slope": -0.4}}}},
            r"generator.mismodelling.departures.ttbar.c: rate = -0.5 and pt_slope = -0.4 make jets of 600 GeV -0.338 "
            r"times as frequent; it must lie within 0.1 and 3: lower either",
        ),
        # ln(20/60) / ln(3) = -1: 1 + 1.9 + 0.2
        (
            {"departures": {"zjets": {"b": {"rate": 1.9, "pt_slope": -0.2}}}},
            "jets of 20 GeV 3.1 times as frequent; it must lie within 0.1 and 3",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tree, message, wrong, reason):
    tree["generator"]["mismodelling"] = wrong
    assert re.search(reason, message(tree))
