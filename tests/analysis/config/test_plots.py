"""Plots: a sensible resolution, complete styles."""

import pytest

from deepsf.config.plots import Plots


@pytest.mark.parametrize(
    "change",
    [
        {"dpi": 20},
        {"formats": ["svg"]},
        {"formats": []},
        {"formats": ["png", "png"]},
        {"flavours": {"b": {"label": "b jets"}}},
        {"reference": {"file": "x"}},
    ],
)
def test_incomplete_styles_and_extreme_resolutions_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Plots(**change)
