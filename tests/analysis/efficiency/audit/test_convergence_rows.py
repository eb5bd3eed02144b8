"""Convergence without truth: rows of losses at held-out events, and of networks against the map."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit.convergence_rows import over_map_rows, tag_losses, training_rows
from deepsf.efficiency.audit.rows import judged
from tests.analysis.efficiency.events.hand_events import hand_events, model


def history(*losses):
    return {"pass": [1, 2, 3, 4], "validation_loss": list(losses), "start_loss": [1.0] * 4}


def test_the_last_half_is_the_mean_over_members():
    # 0.1 and 0.2 of 0.4
    histories = {"gnn": {0: history(0.8, 0.64, 0.62, 0.6), 3: history(0.8, 0.68, 0.62, 0.6)}}
    rows = judged(training_rows(histories), {})
    assert rows["convergence.gnn.last_half"]["value"] == pytest.approx(15.0)
    assert rows["convergence.gnn.last_half"]["passed"] is False
    assert judged(training_rows(histories), {"convergence.gnn.last_half": 20.0})["convergence.gnn.last_half"]["passed"]
    assert judged(training_rows(histories), None)["convergence.gnn.last_half"]["limit"] is None


def test_losses_of_events_are_sums_over_their_jets():
    events = hand_events(
        [[(30, 0.0, 0.0, "b", 1), (25, 1.0, 0.0, "b", 0)], [(40, 0.0, 0.0, "c", 0)]], weight=[2.0, -1.0]
    )
    found = tag_losses(events, np.array([[0.8], [0.4], [0.1]], np.float32))
    np.testing.assert_allclose(found, [-2 * np.log(0.8 * 0.6), np.log(0.9)], rtol=1e-5)


def test_a_network_is_better_than_the_map_by_so_many_errors():
    tags = np.arange(400) % 2
    events = hand_events([[(30, 0.0, 0.0, "b", tag)] for tag in tags])
    knows = np.where(tags == 1, 0.6, 0.4)
    models = {"map": model(np.full(400, 0.5)), "gnn": model(knows), "pairwise": model(1 - knows)}
    rows = over_map_rows(events, models, ["gnn", "pairwise"])
    # every event gains log(0.6 / 0.5), so the error is that over 20
    assert rows["convergence.gnn.over_map"].value == pytest.approx(20.0, rel=1e-5)
    verdicts = {name: row["passed"] for name, row in judged(rows, {}).items()}
    assert verdicts == {"convergence.gnn.over_map": True, "convergence.pairwise.over_map": False}
    assert over_map_rows(events, {"gnn": models["gnn"]}, ["gnn"]) == {}
