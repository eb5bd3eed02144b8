"""Rows on the sample of the decaying scalar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.audit.scalar_rows import scalar_rows
from deepsf.efficiency.toy import generate
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS, judged_rows

TOY = CONFIG.efficiency.toy


@pytest.fixture(scope="module")
def scalar():
    return generate(TOY, FLAVOURS, "scalar", 5000)


def test_the_shipped_sample_has_its_mass_and_the_function_of_training(scalar):
    events, truth = scalar
    rows = judged_rows(scalar_rows(TOY, events, truth.efficiency))
    assert list(rows) == ["toy.scalar.mass", "toy.scalar.mass_stored", "toy.scalar.same_function"]
    assert all(row["passed"] for row in rows.values())
    assert rows["toy.scalar.mass"]["value"] < 1e-9
    assert rows["toy.scalar.same_function"]["value"] == 0.0


def test_jets_of_another_scalar_and_another_function_are_found(scalar):
    events, truth = scalar
    rows = scalar_rows(TOY, replace(events, pt_gev=events.pt_gev * np.float32(1.01)), truth.efficiency * 1.001)
    assert rows["toy.scalar.mass_stored"].value == pytest.approx(0.01, rel=1e-3)
    assert rows["toy.scalar.same_function"].value > 1e-4


def test_a_sample_without_events_of_two_jets_has_no_stored_mass(scalar):
    events, truth = scalar
    chosen = events.n_jets != 2
    kept = truth.efficiency[np.repeat(chosen, events.n_jets)]
    assert scalar_rows(TOY, events.select(chosen), kept)["toy.scalar.mass_stored"].value is None
