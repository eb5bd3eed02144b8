"""Reference images, as the command line says; figures measured as they are saved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepsf.plots.style import context
from tests.plots.reference_plots import ReferencePlots


@pytest.fixture
def reference_plots(request: pytest.FixtureRequest) -> ReferencePlots:
    """Return the comparison with reference images, or their writing."""
    return ReferencePlots(update=request.config.getoption("--update-reference-plots"))


@pytest.fixture
def as_saved() -> Iterator[None]:
    """Measure figures with the fonts of the files that are written; matplotlib looks fonts up when it draws."""
    with context():
        yield
