"""The section of errors."""

from __future__ import annotations

import pytest

from deepsf.config.errors import Errors


def test_one_bootstrap_has_no_spread():
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        Errors(n_bootstrap=1)
    assert Errors().n_bootstrap == 25
