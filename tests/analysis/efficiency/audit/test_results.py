"""What figures show, as text and back."""

from __future__ import annotations

import json

import numpy as np

from deepsf.efficiency.audit.results import EfficiencyClosure
from tests.analysis.efficiency.audit.audited_toy import result


def same(one, other) -> bool:
    if hasattr(one, "_asdict"):
        return type(one) is type(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
    return type(one) is type(other) and one == other


def test_everything_comes_back():
    text = result().closure
    found = EfficiencyClosure.from_json(text)
    assert found.to_json() == text
    assert same(found, EfficiencyClosure.from_json(found.to_json()))
    assert found.reliability["map"].ndf.dtype == np.int64
    assert set(found.samples) == {"test", "scalar", "train"}
    assert list(found.samples["train"].regions["1tag"]["delta_r"].models) == ["gnn", "truth"]


def test_results_are_strict_json():
    for text in (result().closure, result().audit):
        assert "NaN" not in text
        json.loads(text)
