"""A binned measurement with shifts of every kind."""

from __future__ import annotations

import pytest

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.shifts import Shifts
from tests.analysis.binned.shifted_toy import measured
from tests.shape_toy import ShapeToy


@pytest.fixture
def toy(shape_toy) -> ShapeToy:
    return shape_toy(8000, 4, negative=0.05)


@pytest.fixture
def result(toy) -> BinnedScaleFactor:
    return measured(toy, Shifts(eigenvectors=3))
