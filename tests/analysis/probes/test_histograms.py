"""Histograms as JSON: what is written is read again, and any reader of the UHI format reads it."""

import json
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import uhi.io.json

from deepsf.probes.histograms import from_json, to_json


@dataclass(frozen=True)
class Part:
    filled: hist.Hist[Any]


def filled():
    values = hist.Hist(hist.axis.Variable([0.0, 1.0, 3.0], name="x"), storage=hist.storage.Weight())
    values.fill(x=[0.5, 2.0, 2.5, 9.0], weight=[1.0, 2.0, np.nan, 4.0])
    return values


def test_histograms_come_back_wherever_they_stand():
    text = to_json({"parts": {"b": Part(filled())}, "list": [filled()], "n": np.int64(3)})
    again = from_json(text)
    for found in (again["parts"]["b"]["filled"], again["list"][0]):
        assert np.array_equal(found.values(flow=True), filled().values(flow=True), equal_nan=True)
        assert np.array_equal(found.variances(flow=True), filled().variances(flow=True), equal_nan=True)
        assert found.axes[0] == filled().axes[0]
    assert again["n"] == 3
    assert to_json(again) == text


def test_other_readers_read_the_histograms():
    stored = json.loads(to_json({"b": filled()}), object_hook=uhi.io.json.object_hook)
    assert np.array_equal(hist.Hist(stored["b"]).values(), filled().values(), equal_nan=True)
