"""Truth-tagged events: weights beside cuts, draws that belong to the event, replica weights, scale factors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config import load
from deepsf.config.efficiency.truth_tagging import Taggable, TruthTagging
from deepsf.efficiency.evaluation import ModelEfficiencies
from deepsf.efficiency.events.source import EventSource
from deepsf.efficiency.non_closure.measure import measure
from deepsf.efficiency.toy import generate
from deepsf.efficiency.truth_tagging.table import efficiency_changes, tag_events
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields
from tests.oracles.truth_tagging import FunctionOfBin
from tests.workflow.campaign import ROOT

CODES = {"b": (5,), "c": (4,), "udsg": (0,)}
SETTINGS = TruthTagging(working_point="L", exactly=(0, 1, 2), at_least=(2,))


@pytest.fixture(scope="module")
def toy():
    settings = load(ROOT / "configs" / "efficiency_small.yaml").efficiency.toy
    events, truth = generate(settings, tuple(CODES), "test", 20_000)
    true = truth.efficiency.astype(np.float32)
    return events, ModelEfficiencies(true, members=np.stack([true, 0.9 * true]))


@pytest.fixture(scope="module")
def table(toy):
    return tag_events(*toy, SETTINGS, CODES).table


def numbers(table, name):
    return table[name].to_numpy()


def drawn(table, name):
    return table[name].combine_chunks().flatten().to_numpy()


def test_events_of_nanoaod_are_found_again_by_their_own_numbers(toy, tmp_path):
    events, efficiencies = toy
    few = np.arange(len(events)) < 3
    numbers = {"run": np.array([1, 1, 2]), "luminosity_block": np.array([4, 5, 6]), "event": np.array([70, 80, 90])}
    known = replace(events.select(few), source=EventSource.of_sample("ttbar", numbers))
    jets = np.repeat(few, events.n_jets)
    found = tag_events(known, ModelEfficiencies(efficiencies.mean[jets]), SETTINGS, CODES)
    found.write(tmp_path / "table.parquet")
    table = pq.read_table(tmp_path / "table.parquet")
    assert table["sample"].to_pylist() == ["ttbar"] * 3
    assert table["run"].to_pylist() == [1, 1, 2]
    assert table["luminosityBlock"].to_pylist() == [4, 5, 6]
    assert table["nanoaod_event"].to_pylist() == [70, 80, 90]
    assert table["event"].to_pylist() == known.event.tolist()


@pytest.mark.parametrize("selection", ["exactly_0", "exactly_1", "exactly_2", "at_least_2"])
def test_weights_add_up_to_the_events_that_pass_the_cut(table, selection):
    weight, direct = numbers(table, f"probability_{selection}"), numbers(table, f"direct_{selection}")
    difference = float(np.sum(weight - direct))
    assert abs(difference) < 4 * np.sqrt(np.sum(weight * (1 - weight)))


def test_the_weights_of_all_numbers_of_tags_add_up_to_one(table):
    total = sum(numbers(table, f"probability_{s}") for s in ("exactly_0", "exactly_1", "at_least_2"))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize("selection", ["exactly_1", "exactly_2", "at_least_2"])
def test_drawn_tags_are_as_many_as_asked_for(toy, table, selection):
    events, _ = toy
    bins = drawn(table, f"tag_bin_{selection}")
    n_tags = np.bincount(events.event_of_jet[bins > 0], minlength=len(events))
    wanted = int(selection[-1])
    enough = numbers(table, f"probability_{selection}") > 0
    assert (n_tags[enough] >= wanted).all()
    assert selection.startswith("at_least") or (n_tags[enough] == wanted).all()


def test_what_a_row_says_depends_on_its_event_alone(toy, table):
    events, model = toy
    chosen = np.arange(len(events)) % 3 == 1
    jets = np.repeat(chosen, events.n_jets)
    part = ModelEfficiencies(model.mean[jets], members=model.members[:, jets])
    assert tag_events(events.select(chosen), part, SETTINGS, CODES).table.equals(table.filter(chosen))


def test_another_seed_draws_other_tags_with_the_same_weights(toy, table):
    other = tag_events(*toy, SETTINGS.model_copy(update={"seed": 2}), CODES).table
    assert other["probability_exactly_1"].equals(table["probability_exactly_1"])
    assert np.mean(drawn(other, "tag_bin_exactly_1") != drawn(table, "tag_bin_exactly_1")) > 0.1


def test_replica_weights_are_those_of_the_members(toy, table):
    events, model = toy
    replicas = np.stack(table["replicas_exactly_2"].to_pylist())
    np.testing.assert_allclose(replicas[:, 0], numbers(table, "probability_exactly_2"), rtol=1e-6)
    second = tag_events(events, ModelEfficiencies(model.members[1]), SETTINGS, CODES).table
    np.testing.assert_allclose(replicas[:, 1], numbers(second, "probability_exactly_2"), rtol=1e-6)


def test_a_tighter_working_point_and_fewer_taggable_jets_lower_the_weight(toy, table):
    tight = TruthTagging(working_point="T", at_least=(2,), exactly=())
    few = TruthTagging(working_point="L", taggable=Taggable(n_leading=2), at_least=(2,), exactly=())
    loose = numbers(table, "probability_at_least_2")
    for settings in (tight, few):
        lower = numbers(tag_events(*toy, settings, CODES).table, "probability_at_least_2")
        assert (lower <= loose * (1 + 1e-12)).all()
        assert lower.sum() < 0.9 * loose.sum()


def test_scale_factors_at_drawn_bins_and_in_the_efficiencies_give_the_same_yield(toy):
    """Unitary by construction: of K + 1 bins the untagged one makes up for the others."""
    events, model = toy

    class AtJets(NamedTuple):
        of_bins: Any

        def in_bins(self, efficiency):
            found = self.of_bins.in_bins(efficiency)
            inside = -np.diff(np.hstack([efficiency, np.zeros((len(efficiency), 1))]), axis=1)
            found[:, 0] = (1 - (inside * found[:, 1:]).sum(axis=1)) / (1 - efficiency[:, 0])
            return found

        def at_tags(self, efficiency):
            return np.ones(len(efficiency))

    class Unitary(FunctionOfBin):
        def of_jets(self, jets, systematic=None):
            return AtJets(super().of_jets(jets))

    unitary = Unitary(lambda flavour, pt, abseta, n: np.where(n > 0, 0.8 + 0.05 * n, 1.0))
    table = tag_events(events, model, SETTINGS, CODES, unitary).table
    by_draw = numbers(table, "probability_exactly_2") * numbers(table, "scale_factor_exactly_2")
    by_mean = numbers(table, "data_probability_exactly_2")
    difference = by_draw - by_mean
    assert abs(difference.sum()) < 3 * difference.std() * np.sqrt(len(events))
    assert abs(by_mean.sum() / numbers(table, "probability_exactly_2").sum() - 1) > 0.05


def test_the_written_table_tells_working_points_and_seed(toy, tmp_path):
    for settings, point in ((SETTINGS, "L"), (TruthTagging(), "M")):
        tag_events(*toy, settings, CODES).write(tmp_path / "tagged.parquet")
        metadata = json.loads(pq.read_schema(tmp_path / "tagged.parquet").metadata[b"deepsf"])
        assert metadata == {"working_point": point, "working_points": ["L", "M", "T"], "seed": 1}


def test_efficiencies_of_other_events_or_working_points_are_refused(toy):
    events, model = toy
    n_jets = len(events.pt_gev)
    with pytest.raises(ValueError, match=rf"of the {n_jets} jets .* got the shape \(5, 3\)"):
        tag_events(events, ModelEfficiencies(model.mean[:5]), SETTINGS, CODES)
    with pytest.raises(ValueError, match=rf"working points \['L', 'M', 'T'\], .* got the shape \({n_jets}, 2\)"):
        tag_events(events, ModelEfficiencies(model.mean[:, :2]), SETTINGS, CODES)
    with pytest.raises(ValueError, match="at least one"):
        tag_events(replace(events, working_points=()), ModelEfficiencies(model.mean[:, :0]), SETTINGS, CODES)


def test_events_with_a_jet_out_of_range_are_flagged(toy):
    events, model = toy
    outside = np.zeros(len(events.pt_gev), np.bool_)
    outside[[events.offsets[3], events.offsets[3] + 1, events.offsets[8] - 1]] = True
    flagged = tag_events(events, model._replace(out_of_range=outside), SETTINGS, CODES).table["out_of_range"]
    assert np.flatnonzero(flagged.to_numpy()).tolist() == [3, 7]


def test_the_non_closure_of_a_table_is_an_error_of_its_yields(toy, tmp_path):
    events, model = toy
    # all efficiencies too high by a quarter: no cell is right
    wrong = ModelEfficiencies(np.minimum(1.25 * model.mean, 0.99))
    edges = np.array([20.0, 60.0, 100.0, 1000.0]), np.array([0.0, 0.8, 3.2])
    found = measure(events, wrong, *edges)
    tag_events(events, wrong, SETTINGS, CODES, None, found).write(tmp_path / "tagged.parquet")
    table = pq.read_table(tmp_path / "tagged.parquet")
    weight, direct = numbers(table, "probability_exactly_2"), numbers(table, "direct_exactly_2")
    index = np.zeros(len(events), np.int64)
    yields = truth_tagged_yields(np.ones(len(events)), weight, index, 1, (), efficiency_changes(table, "exactly_2"))
    # a bias that all share is seen as such: the difference is the error, shrunk a little
    difference = weight.sum() - direct.sum()
    assert difference > 10 * np.sqrt(yields.sum_w2[0])
    assert np.sqrt(yields.v_non_closure[0]) == pytest.approx(difference, rel=0.2)
    cells = drawn(table, "non_closure_cell")
    assert cells.tolist() == found.cells.of_jets(events).tolist()
    part = table.slice(5, 100)
    assert (
        efficiency_changes(part, "exactly_2").cell.tolist() == cells[events.offsets[5] : events.offsets[105]].tolist()
    )


def test_a_table_without_non_closure_or_selection_says_what_it_has(table):
    with pytest.raises(
        ValueError, match=r"no column change_exactly_2, or no non-closure .*; its columns are event, wei"
    ):
        efficiency_changes(table, "exactly_2")
