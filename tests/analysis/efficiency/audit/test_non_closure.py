"""The audit's non-closure: rows by flavour, and what is quoted against what is true."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.non_closure import check_non_closure, non_closure_rows, quoted_over_true
from deepsf.efficiency.audit.rows import judged
from tests.analysis.efficiency.events.hand_events import FLAVOURS, hand_events, model

EDGES = np.array([20.0, 50.0, 100.0]), np.array([0.0, 1.0, 2.0])


def check(predicted=0.8, true=0.75, n_tagged=60):
    jets = [[(30, 0.0, 0.0, "b", 1)]] * n_tagged + [[(30, 0.0, 0.0, "b", 0)]] * (100 - n_tagged)
    truth = None if true is None else np.full((100, 1), true)
    return check_non_closure(hand_events(jets), model(np.full(100, predicted)), truth, EDGES, 0)


def test_what_is_quoted_is_compared_with_the_true_bias():
    found = check()
    assert found.bias[0, 0, 1] == pytest.approx(0.8 / 0.75 - 1)
    # one cell has jets: its error over its bias
    expected = found.systematic[0, 0, 1] / (0.8 / 0.75 - 1)
    assert quoted_over_true(found)[0] == pytest.approx(expected)
    assert np.isnan(quoted_over_true(found)[1:]).all()
    assert found.predicted[0].tolist() == [[0.0, pytest.approx(80.0)], [0.0, 0.0]]


def test_rows_tell_size_significance_and_what_is_certain():
    found = check()
    rows = {name: value for name, (value, _) in non_closure_rows(found, FLAVOURS).items()}
    # 20 of 80 with an error of 4: tau^2 = 0.25^2 - 0.05^2, its error sqrt(2) 0.25^2
    assert rows["non_closure.size.b"] == pytest.approx(100 * np.sqrt(0.06), rel=1e-4)
    assert rows["non_closure.at_least.b"] == 0.0
    assert rows["non_closure.significance.b"] == pytest.approx(4.9, abs=0.2)
    assert np.isnan(rows["non_closure.size.c"])
    assert "non_closure.quoted_over_true.b" in rows


def test_without_truth_the_other_rows_are_left_with_their_limit():
    found = check(true=None)
    rows = non_closure_rows(found, FLAVOURS)
    assert not any("quoted" in name for name in rows)
    with pytest.raises(ValueError, match="the true bias is not known"):
        quoted_over_true(found)
    of_b = {name: row for name, row in rows.items() if name.endswith(".b")}
    verdicts = {name: row["passed"] for name, row in judged(of_b, {}).items()}
    assert verdicts == {"non_closure.size.b": None, "non_closure.at_least.b": True, "non_closure.significance.b": None}
    certain = found._replace(tau2_error=0.1 * found.tau2)
    rows = judged(non_closure_rows(certain, FLAVOURS), {})
    assert rows["non_closure.at_least.b"]["value"] == pytest.approx(100 * np.sqrt(0.8 * 0.06), rel=1e-4)
    assert rows["non_closure.at_least.b"]["passed"] is False
