"""Direct density ratio: there unless it is turned off."""

import pytest

from deepsf.config import Config
from deepsf.config.direct import Direct


def test_it_is_there_unless_it_is_turned_off(tree):
    tree.pop("direct", None)
    assert Config.model_validate(tree).direct == Direct()
    assert Config.model_validate({**tree, "direct": None}).direct is None


def test_a_spread_needs_two_members():
    with pytest.raises(ValueError, match="n_members"):
        Direct(n_members=1)
