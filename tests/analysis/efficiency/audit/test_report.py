"""The audit of efficiencies: what is right passes, what is wrong fails, on a small toy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from deepsf.config import load
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.audit.rows import Row
from deepsf.efficiency.evaluation import ModelEfficiencies
from tests.analysis.efficiency.audit.audited_toy import CONFIG, audited, first_events, result, samples


def small():
    """Return a part of the test sample."""
    return first_events(samples()["test"], 3000)


@pytest.fixture(scope="module")
def audit():
    return json.loads(result().audit)


def test_efficiencies_that_are_nearly_true_pass(audit):
    rows = audit["rows"]
    features = ("1.", "5.", "7.inv", "8.", "9.", "10.", "11.mad", "11.chi2", "14.oracle_1tag", "15.", "21.")
    judged = {k: r for k, r in rows.items() if k.startswith(features) and r["passed"] is not None}
    assert len(judged) > 35
    assert [k for k, r in judged.items() if not r["passed"]] == []


def test_maps_fail_wherever_the_neighbours_show(audit):
    rows = audit["rows"]
    assert 13 < rows["3.b"]["value"] < 17
    # chi2 grows with the events: 30 000 here, a tenth of those of the limits
    assert rows["3.chi2_1tag"]["value"] > 8
    assert rows["3.chi2_2tag"]["value"] > 8
    assert rows["11.map_chi2_2tag"]["value"] > 30
    assert rows["21.largest_significance.map"]["value"] > 4


def test_a_model_half_way_to_the_map_fails_half_way(audit):
    rows = audit["rows"]
    assert rows["4.b"]["value"] == pytest.approx(0.5 * rows["3.b"]["value"], rel=0.05)
    assert rows["4.n_jets_chi2_2tag"]["value"] > 2
    # a quarter of the divergence remains
    assert rows["7.closest_jet"]["value"] == pytest.approx(0.75, abs=0.03)


def test_the_map_as_the_ensemble_fails_the_rows_of_the_ensemble():
    test = samples()["test"]
    as_nominal = {"test": test._replace(models={"gnn": test.models["map"], "map": test.models["map"]})}
    rows = json.loads(audited(as_nominal).audit)["rows"]
    for key in ("5.b", "5.c", "5.udsg", "7.gnn", "9.chi2_1tag", "9.chi2_2tag", "9.ratio_2tag", "10.n_jets_2tag"):
        assert rows[key]["passed"] is False, key
    assert rows["21.largest_significance"]["passed"] is False
    # no members, no second sample: their rows are not there
    assert not any(key.startswith(("11.", "12.", "14.with_v_eff")) for key in rows)


def test_a_correlation_that_is_put_in_is_detected(audit):
    assert audit["rows"]["21.detected.b_b"]["value"] > 5
    assert audit["rows"]["21.detected.b_b"]["passed"] is True


def test_the_spread_of_members_is_judged_by_flavour(audit):
    rows = audit["rows"]
    # centres are half as far from the truth as members from them: sqrt(0.25 + 1/5)
    for flavour in ("b", "c", "udsg"):
        assert rows[f"12.rms_ratio.{flavour}"]["value"] == pytest.approx(np.sqrt(0.45), rel=0.03)
        assert rows[f"12.rms_ratio.{flavour}"]["passed"] is False


def test_gain_shrinks_with_the_error_of_the_efficiencies(audit):
    rows = audit["rows"]
    assert 2.3 < rows["14.oracle_2tag"]["value"] < 2.6
    for pair in ("inclusive", "b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg"):
        assert 1 < rows[f"14.with_v_eff.{pair}"]["value"] < rows[f"14.sum_w2_alone.{pair}"]["value"]


def test_tables_hold_what_rows_are_made_of(audit):
    sample = audit["samples"]["test"]
    assert sample["events"] == 30_000
    assert 100 * sample["mad"]["gnn"]["b"][0] == pytest.approx(audit["rows"]["5.b"]["value"])
    entry = sample["closure_chi2"]["2tag"]["delta_r"]["gnn"]["inclusive"]
    assert entry["chi2"] / entry["ndf"] == pytest.approx(audit["rows"]["9.chi2_2tag"]["value"])
    assert set(sample["closure_chi2"]["1tag"]["pt_gev"]["map"]) == {
        *("inclusive", "b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg")
    }
    assert np.shape(audit["non_closure"]["systematic"]) == (3, 5, 4)
    assert audit["members"] == {"used": 5, "configured": 20}
    assert audit["seeds"] == {"toy": 1, "audit": 1}
    assert (audit["commit"], audit["config"], audit["model"], audit["working_point"]) == (
        "abc",
        "toy",
        "gnn",
        "M",
    )


def test_the_same_inputs_give_the_same_bytes():
    part = {name: first_events(sample, 3000) for name, sample in samples().items()}
    assert audited(part) == audited(part)


def test_coverage_and_further_rows_are_joined_and_judged():
    coverage = {
        "all": {"with_v_eff": 0.9, "without_v_eff": 1.0},
        "b_b": {"with_v_eff": 1.25, "without_v_eff": 0.9},
        "b_udsg": {"with_v_eff": 1.0, "without_v_eff": 3.1},
    }
    test = {"test": small()}
    rows = json.loads(audited(test, coverage=coverage, further={"25.onnx": Row(1e-7, "ONNX")}).audit)["rows"]
    assert rows["13.b_b"]["passed"] is False
    assert rows["13.b_udsg"]["passed"] is True
    assert rows["13.sum_w2_alone.b_udsg"]["value"] == 3.1
    assert rows["13.all"]["passed"] is None
    assert rows["25.onnx"] == {"value": 1e-7, "limit": 1e-5, "passed": True, "description": "ONNX"}


def test_an_ensemble_is_probed_for_its_symmetries():
    class Flat:
        def evaluate(self, events):
            mean = np.full((len(events.pt_gev), 1), 0.3, np.float32)
            return type("Found", (), {"mean": mean, "out_of_range": events.pt_gev > 1000})

    rows = json.loads(audited({"test": small()}, ensemble=Flat()).audit)["rows"]
    symmetry = {key: row for key, row in rows.items() if key.startswith(("19.", "26."))}
    assert len(symmetry) == 7
    assert all(row["limit"] is not None for row in symmetry.values())
    assert all(row["passed"] for row in symmetry.values())
    # the same ensemble, for truth tagging: its efficiencies do not see other jets
    assert {"15.sum_of_patterns", "16.patterns", "16.order", "18.others", "24.pull.exactly_2"} <= rows.keys()
    assert rows["18.graph"]["passed"] is False


def test_what_the_publications_network_does_not_keep_is_reported_without_a_limit():
    class SeesPhi:
        def evaluate(self, events):
            mean = 0.5 + 0.1 * np.sin(events.phi[:, None])
            return type("Found", (), {"mean": mean.astype(np.float32), "out_of_range": events.pt_gev > 1000})

    test = small()
    of_published = {"test": test._replace(models={"gnn_2004_02665": test.models["gnn"]})}
    settings = CONFIG.efficiency.model_copy(
        update={"ensemble": CONFIG.efficiency.ensemble.model_copy(update={"model": "gnn_2004_02665"})}
    )
    rows = json.loads(audited(of_published, settings, ensemble=SeesPhi()).audit)["rows"]
    assert rows["19.phi_rotation"]["value"] > 0.1
    assert [rows[f"19.{key}"]["passed"] for key in ("phi_rotation", "batch_order", "padding")] == [None] * 3
    assert rows["19.permutation"]["passed"] is True


def test_the_scalar_of_another_mass_is_found():
    chosen = {name: first_events(samples()[name], 3000) for name in ("test", "scalar")}
    toy = CONFIG.efficiency.toy
    heavier = toy.model_copy(update={"scalar": toy.scalar.model_copy(update={"mass_gev": 100.0})})
    right, wrong = (json.loads(audited(chosen, toy=given).audit)["rows"] for given in (toy, heavier))
    assert all(right[key]["passed"] for key in ("2.mass", "2.mass_stored", "2.same_function"))
    assert wrong["2.mass_stored"]["value"] == pytest.approx(0.1, rel=1e-4)


def test_a_member_that_is_missing_is_said(audit):
    assert audit["rows"]["27.members"]["value"] == 0.25
    assert audit["rows"]["27.members"]["passed"] is False


def test_real_structure_has_no_truth_and_no_row_that_needs_it():
    test = small()
    found = audited({"test": test._replace(truth=None)})
    rows = json.loads(found.audit)["rows"]
    assert {"9.chi2_1tag", "8.b", "14.with_v_eff.b_b", "10.low_pt.udsg", "21.largest_significance"} <= set(rows)
    needs_truth = ("1.", "3.b", "5.", "7.", "9.oracle", "9.ratio", "10.pt", "12.", "14.oracle", "21.detected")
    assert not any(key.startswith(needs_truth) for key in rows)
    closure = EfficiencyClosure.from_json(found.closure)
    assert closure.spread is None
    assert not closure.samples["test"].has_truth
    assert closure.non_closure.bias is None


def test_negative_weights_change_yields_and_not_the_verdict():
    test = samples()["test"]
    weight = np.where(np.random.default_rng(1).random(len(test.events)) < 0.1, -1.0, 1.0).astype(np.float32)
    rows = json.loads(audited({"test": test._replace(events=replace(test.events, weight=weight))}).audit)["rows"]
    assert all(rows[key]["passed"] for key in ("8.b", "9.chi2_1tag", "9.chi2_2tag", "21.largest_significance"))


def test_several_working_points_have_rows_of_their_own():
    test = small()
    events = replace(test.events, working_points=("L", "T"))

    def both(model):
        return ModelEfficiencies(*(np.concatenate([v, 0.4 * v], -1) if v is not None else None for v in model))

    models = {name: both(model) for name, model in test.models.items()}
    truth = np.concatenate([test.truth, 0.5 * test.truth], axis=1)
    tight = CONFIG.efficiency.truth_tagging.model_copy(update={"working_point": "T"})
    for settings, factor in (
        (CONFIG.efficiency, 1.0),
        (CONFIG.efficiency.model_copy(update={"truth_tagging": tight}), 0.8),
    ):
        sample = test._replace(events=events, truth=truth, models=models)
        rows = json.loads(audited({"test": sample}, settings).audit)["rows"]
        assert rows["17.monotone"] == {
            "value": 0.0,
            "limit": 0.0,
            "passed": True,
            "description": "largest rise of an efficiency from a working point to the next tighter one",
        }
        # 0.4 of the loose one where 0.5 is true
        assert rows["17.b.T"]["value"] == pytest.approx(20, abs=0.5)
        assert rows["8.b"]["value"] == pytest.approx(100 * (factor - 1), abs=0.5)
        assert rows["15.sum_of_probabilities"]["passed"] is True


def test_flavour_names_come_from_the_events():
    test = small()
    renamed = {"test": test._replace(events=replace(test.events, flavours=("bottom", "charm", "light")))}
    settings = CONFIG.efficiency.audit.model_copy(update={"limits": {"5.bottom": 0.01}})
    rows = json.loads(audited(renamed, CONFIG.efficiency.model_copy(update={"audit": settings})).audit)["rows"]
    assert rows["5.bottom"]["passed"] is False
    assert rows["5.charm"]["limit"] is None
    assert "5.bottom_over_closest_jet" in rows
    assert "21.detected.bottom_light" in rows


def test_a_missing_sample_or_model_is_named():
    with pytest.raises(ValueError, match=r"the audit needs the sample 'test'.*got \['scalar'\]"):
        audited({"scalar": samples()["scalar"]})
    test = samples()["test"]
    with pytest.raises(ValueError, match=r"sample test: no efficiencies of gnn.*there are \['map'\]"):
        audited({"test": test._replace(models={"map": test.models["map"]})})


@pytest.mark.parametrize("name", ["efficiency_short", "efficiency_small"])
def test_limits_of_shipped_configurations_are_of_rows_that_there_are(name, audit):
    settings = load(f"configs/{name}.yaml").efficiency.audit
    assert set(settings.limits) <= set(audit["rows"]) | {"13.b_b"}
    if name == "efficiency_small":
        assert not settings.default_limits
