"""Coverage by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.audit.coverage_report import coverage_report, coverage_text


def rows(pulls, error=0.1, **labels):
    about = {"method": "direct", "flavour": "b", "working_point": "L-M", "pt": "20-40 GeV", "true_sf": "toy", **labels}
    return [{**about, "value": 1.0 + error * pull, "truth": 1.0, "error": error} for pull in pulls]


def test_shares_and_pulls_are_those_of_the_sets():
    found = coverage_report(rows([0.5, -0.5, 1.5, -2.5]))["by_working_point"]["direct"]["b"]["L-M"]
    assert (found["n"], found["within_1"], found["within_2"]) == (4, 0.5, 0.75)
    assert found["mean"] == pytest.approx(-0.25)
    assert found["width"] == pytest.approx(np.std([0.5, -0.5, 1.5, -2.5], ddof=1))
    assert found["deviation"] == pytest.approx(0.1 * np.sqrt((0.25 + 0.25 + 2.25 + 6.25) / 4))


def test_a_mean_without_an_error_is_not_covered_and_counted():
    without = [{**row, "error": error} for row, error in zip(rows([3.0, 1.0]), (0.0, float("nan")), strict=True)]
    found = coverage_report([*rows([0.0]), *without])["all"]["direct"]
    assert found["n_without_error"] == 2
    assert found["within_2"] == pytest.approx(1 / 3)
    json.dumps(found, allow_nan=False)


def test_parts_are_told_apart():
    report = coverage_report([*rows([0.1]), *rows([5.0], pt="80-1000 GeV"), *rows([5.0], true_sf="sharp")])
    assert report["by_cell"]["direct"]["b"]["L-M"]["20-40 GeV"]["n"] == 2
    assert report["by_cell"]["direct"]["b"]["L-M"]["80-1000 GeV"]["within_2"] == 0.0
    assert report["by_true_sf"]["direct"]["sharp"]["b"]["L-M"]["within_2"] == 0.0
    assert report["all"]["direct"]["within_1"] == pytest.approx(1 / 3)


def test_what_is_not_as_asked_for_is_marked():
    pulls = np.random.default_rng(1).normal(size=2000)
    good, narrow, wide = (coverage_text(coverage_report(rows(scale * pulls))) for scale in (1.0, 0.5, 2.0))
    assert "<" not in good
    assert ">" not in good
    assert "  direct  b     L-M" in narrow
    assert narrow.count(">") == 1
    assert narrow.count("<") == 1
    assert wide.count("<") == 2
    assert wide.count(">") == 1
