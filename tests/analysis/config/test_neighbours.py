"""The section of neighbours: all flavours, factors above 0."""

import pytest
from pydantic import ValidationError

from deepsf.config.neighbours import NeighbourEffect

ROW = {"b": 0.5, "c": 0.4, "udsg": 0.2}
WIDTH = {"b": 1.0, "c": 1.0, "udsg": 1.0}


def message(**changes):
    with pytest.raises(ValidationError) as caught:
        NeighbourEffect(**{"width": WIDTH, "amplitude": dict.fromkeys(ROW, ROW), **changes})
    return str(caught.value)


def test_every_flavour_needs_its_numbers():
    assert "width: needs exactly the flavours ['b', 'c', 'udsg'], got ['b', 'c']" in message(width={"b": 1.0, "c": 1.0})
    rows = dict.fromkeys(ROW, ROW) | {"c": {"b": 0.1, "udsg": 0.1}}
    assert "amplitude.c: needs exactly the flavours ['b', 'c', 'udsg'], got ['b', 'udsg']" in message(amplitude=rows)


@pytest.mark.parametrize("value", [1.0, -5.5, float("nan")])
def test_factors_are_positive(value):
    rows = dict.fromkeys(ROW, ROW) | {"udsg": {**ROW, "b": value}}
    assert "amplitude.udsg.b" in message(amplitude=rows)


def test_a_neighbour_may_raise_the_odds():
    rows = dict.fromkeys(ROW, ROW) | {"udsg": {**ROW, "b": -5.0}}
    assert NeighbourEffect(width=WIDTH, amplitude=rows).amplitude["udsg"]["b"] == -5.0
