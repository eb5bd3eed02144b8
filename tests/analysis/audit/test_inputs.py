"""Inputs that are not as in training are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepsf.audit.inputs import input_counts
from deepsf.networks.scale_factor import EnsembleScaleFactor
from tests.analysis.errors.constant import CODES, SCALING, member
from tests.shape_toy import make


def with_column(jets, values):
    return replace(jets, extra={"n_pv": np.resize(np.array(values, np.float32), len(jets))})


def test_invalid_values_and_those_beyond_the_range_are_counted_by_sample():
    measurement = make(40, 1).measurement()
    entries = {
        name: replace(region, data=replace(region.data, probe=with_column(region.data.probe, [5.0])))
        for name, region in measurement.entries.items()
    }
    inclusive = replace(
        measurement.inclusive, jets=with_column(measurement.inclusive.jets, [5.0, -1.0, np.nan, 11.0, 9])
    )
    measurement = replace(measurement, entries=entries, inclusive=inclusive)
    columns = {"names": ("n_pv", "pt"), "transforms": ("identity", "log"), "invalid_below": (0.0, None)}
    numbers = {"low": np.array([1.0, 0.0]), "high": np.array([10.0, 20.0]), "mean": np.zeros(2), "width": np.ones(2)}
    scaling = replace(SCALING, **columns, **numbers)
    fits = (replace(member(1.0), scalings=dict.fromkeys(CODES, scaling)),)
    found = input_counts(EnsembleScaleFactor(fits, CODES), measurement)
    assert list(found) == ["n_pv", "pt"]
    n = len(inclusive.jets)
    assert found["n_pv"]["inclusive"] == {"n_jets": n, "invalid": 2 * n // 5, "beyond": n // 5}
    n_data = sum(len(region.data) for region in entries.values())
    assert found["n_pv"]["data"] == {"n_jets": n_data, "invalid": 0, "beyond": 0}
    assert found["pt"]["inclusive"]["beyond"] == 0
