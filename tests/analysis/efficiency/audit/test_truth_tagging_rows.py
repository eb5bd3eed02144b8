"""Rows on truth tagging: right draws and weights hold, wrong ones are found."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency.audit import truth_tagging_rows
from deepsf.efficiency.audit.truth_tagging_rows import tagging_rows
from deepsf.efficiency.toy import generate, true_efficiency
from deepsf.efficiency.truth_tagging.draws import Pattern
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS, first_events, judged_rows, samples

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}


class TrueEfficiencies:
    """The toy's own efficiencies in place of an ensemble: they depend on all jets of an event."""

    def evaluate(self, events):
        class Evaluated:
            mean = true_efficiency(CONFIG.efficiency.toy, events).astype(np.float32)
            out_of_range = np.zeros(len(events.pt_gev), np.bool_)

        return Evaluated()


class Alone(TrueEfficiencies):
    """Efficiencies that know no other jet."""

    def evaluate(self, events):
        found = super().evaluate(events)
        found.mean = np.full_like(found.mean, 0.5)
        return found


def rows(ensemble=None, n_events=30_000):
    test = first_events(samples()["test"], n_events)
    ensemble = ensemble or TrueEfficiencies()
    found = tagging_rows(test.events, ensemble.evaluate(test.events).mean, 0, CODES, ensemble, seed=1)
    return judged_rows(found)


@pytest.fixture(scope="module")
def right():
    return rows()


def test_right_efficiencies_pass_every_row(right):
    assert {name.split(".")[0] for name in right} == {"truth_tagging"}
    # every row has a limit: none is null
    assert [name for name, row in right.items() if not row["passed"]] == []


def test_few_events_of_few_jets_have_rows_too():
    assert rows(n_events=3)["truth_tagging.sums.patterns"]["passed"] is True


def test_events_of_very_many_jets_need_no_list_of_their_patterns():
    toy = CONFIG.efficiency.toy
    crowded = toy.model_copy(update={"kinematics": toy.kinematics.model_copy(update={"n_extra_max": 20})})
    crowded = crowded.model_copy(update={"kinematics": crowded.kinematics.model_copy(update={"n_extra_mean": 50.0})})
    events, truth = generate(crowded, FLAVOURS, "test", 500)
    assert events.n_jets.max() == 22
    found = tagging_rows(events, truth.efficiency.astype(np.float32), 0, CODES, TrueEfficiencies(), seed=1)
    assert found["truth_tagging.draws.patterns"].value > 1e-3
    assert found["truth_tagging.sums.patterns"].value < 1e-12


def test_a_network_that_sees_no_other_jets_is_found():
    found = rows(Alone())
    assert found["truth_tagging.taggable.graph"]["value"] == 0.0
    assert found["truth_tagging.taggable.graph"]["passed"] is False
    assert found["truth_tagging.taggable.weights"]["passed"] is True


def test_patterns_drawn_with_other_odds_are_found(monkeypatch):
    def leading_too_often(efficiency, offsets, event, n, **options):
        return draw(np.clip(efficiency * 1.08, 0, 1), offsets, event, n, **options)

    draw = truth_tagging_rows.draw_pattern
    monkeypatch.setattr(truth_tagging_rows, "draw_pattern", leading_too_often)
    found = rows()
    assert found["truth_tagging.draws.patterns"]["passed"] is False
    assert found["truth_tagging.draws.tag_bins"]["passed"] is False


def test_draws_that_depend_on_the_order_are_found(monkeypatch):
    def by_place(efficiency, offsets, event, n, **options):
        return draw(efficiency, offsets, np.arange(len(event), dtype=np.uint64), n, **options)

    draw = truth_tagging_rows.draw_pattern
    monkeypatch.setattr(truth_tagging_rows, "draw_pattern", by_place)
    assert rows()["truth_tagging.draws.order"]["value"] > 100


def test_impossible_patterns_are_found(monkeypatch):
    def never(efficiency, offsets, event, n, **options):
        return Pattern(np.zeros(len(efficiency), np.bool_), np.ones(len(event), np.bool_))

    monkeypatch.setattr(truth_tagging_rows, "draw_pattern", never)
    assert rows()["truth_tagging.draws.patterns"]["value"] == 0.0


def test_scale_factors_that_are_forgotten_in_one_route_are_found(monkeypatch):
    monkeypatch.setattr(
        truth_tagging_rows, "drawn_scale_factor", lambda _in_bins, _bins, offsets: np.ones(len(offsets) - 1)
    )
    found = rows()
    for selection in ("exactly_1", "exactly_2", "at_least_1"):
        assert abs(found[f"truth_tagging.scale_factors.{selection}.pull"]["value"]) > 5


def test_the_recomputed_route_has_less_variance(right):
    # a scale factor of 1.3 for light jets, drawn bins have 0 or 1.3 and 1 - 0.3 eps
    assert 0.9 < right["truth_tagging.scale_factors.exactly_2.variance"]["value"] < 0.999
