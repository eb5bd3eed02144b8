"""Reference images, as the command line says."""

from __future__ import annotations

import pytest

from tests.plots.reference_plots import ReferencePlots


@pytest.fixture
def reference_plots(request: pytest.FixtureRequest) -> ReferencePlots:
    """Return the comparison with reference images, or their writing."""
    return ReferencePlots(update=request.config.getoption("--update-reference-plots"))
