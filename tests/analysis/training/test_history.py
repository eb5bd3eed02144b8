"""The record of a training."""

from __future__ import annotations

import json

from deepsf.training.history import History


def test_a_history_counts_its_passes_and_gives_plain_lists():
    history = History()
    assert history.n_passes == 0
    for number in (1, 2):
        history.add(**{"pass": number}, train_loss=0.5 / number)
    assert history.n_passes == 2
    assert json.loads(json.dumps(history.to_json())) == {"pass": [1.0, 2.0], "train_loss": [0.5, 0.25]}


def test_columns_come_in_the_order_of_their_names_whatever_came_first():
    history = History()
    history.add(width=1.0, area=2.0)
    assert list(history.to_json()) == ["area", "width"]
