"""Direct density ratio: absent unless asked for."""

import pytest

from deepsf.config import Config
from deepsf.config.direct import Direct


def test_it_is_absent_unless_asked_for(tree):
    del tree["direct"]
    assert Config.model_validate(tree).direct is None
    assert Config.model_validate({**tree, "direct": {}}).direct == Direct()


def test_a_spread_needs_two_members():
    with pytest.raises(ValueError, match="n_members"):
        Direct(n_members=1)
