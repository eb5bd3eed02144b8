"""The audit of efficiencies: what is right passes, what is wrong fails, on a small toy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from deepsf.efficiency.audit.report import AuditedCampaign, EfficiencyResults, audit_efficiencies
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.audit.rows import Row
from deepsf.efficiency.audit.sample_rows import coverage_rows
from deepsf.efficiency.evaluation import ModelEfficiencies
from tests.analysis.efficiency.audit.audited_toy import CONFIG, audited, first_events, result, rows_of, samples


def small():
    """Return a part of the test sample."""
    return first_events(samples()["test"], 3000)


@pytest.fixture(scope="module")
def audit():
    return json.loads(result().audit)


@pytest.fixture(scope="module")
def rows():
    return rows_of(result())


def test_efficiencies_that_are_nearly_true_pass(rows):
    checks = ("toy.", "deviation.gnn.", "cross_entropy.gap_closed.gnn", "calibration.", "closure.", "transfer.")
    judged = {
        name: row["passed"]
        for name, row in rows.items()
        if name.startswith((*checks, "truth_tagging.", "correlation.")) and row["passed"] is not None
    }
    must_fail = {name for name in judged if name.endswith(("chi2_map", "chi2_closest_jet"))}
    assert len(judged) - len(must_fail) > 35
    assert [name for name in judged.keys() - must_fail if not judged[name]] == []


def test_maps_fail_wherever_the_neighbours_show(rows):
    assert 13 < rows["deviation.map.b"]["value"] < 17
    # chi2 grows with the events: 30 000 here, a tenth of those of the limits
    assert rows["closure.delta_r.1tag.chi2_map"]["value"] > 8
    assert rows["closure.delta_r.2tag.chi2_map"]["value"] > 8
    assert rows["transfer.delta_r.2tag.chi2_map"]["value"] > 30
    assert rows["correlation.significance.map"]["value"] > 4


def test_a_model_half_way_to_the_map_fails_half_way(rows):
    assert rows["deviation.closest_jet.b"]["value"] == pytest.approx(0.5 * rows["deviation.map.b"]["value"], rel=0.05)
    assert rows["closure.n_jets.2tag.chi2_closest_jet"]["value"] > 2
    # a quarter of the divergence remains
    assert rows["cross_entropy.gap_closed.closest_jet"]["value"] == pytest.approx(0.75, abs=0.03)


def test_the_map_as_the_ensemble_fails_the_rows_of_the_ensemble():
    test = samples()["test"]
    as_nominal = {"test": test._replace(models={"gnn": test.models["map"], "map": test.models["map"]})}
    rows = rows_of(audited(as_nominal))
    must_fail = [f"deviation.gnn.{flavour}" for flavour in ("b", "c", "udsg")]
    must_fail += ["cross_entropy.gap_closed.gnn", "correlation.significance.gnn"]
    must_fail += [f"closure.delta_r.{quantity}" for quantity in ("1tag.chi2", "2tag.chi2", "2tag.deviation")]
    for name in (*must_fail, "closure.n_jets.2tag.chi2_above_truth"):
        assert rows[name]["passed"] is False, name
    # no members, no second sample: their rows are not there
    assert not any(name.startswith(("transfer.", "spread.", "gain.with_v_eff")) for name in rows)


def test_a_correlation_that_is_put_in_is_detected(rows):
    assert rows["correlation.injected.b_b"]["value"] > 5
    assert rows["correlation.injected.b_b"]["passed"] is True


def test_the_spread_of_members_is_judged_by_flavour(rows):
    # centres are half as far from the truth as members from them: sqrt(0.25 + 1/5)
    for flavour in ("b", "c", "udsg"):
        assert rows[f"spread.rms_ratio.{flavour}"]["value"] == pytest.approx(np.sqrt(0.45), rel=0.03)
        assert rows[f"spread.rms_ratio.{flavour}"]["passed"] is False


def test_gain_shrinks_with_the_error_of_the_efficiencies(rows):
    assert 2.3 < rows["gain.truth.2tag"]["value"] < 2.6
    for category in ("all", "b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg"):
        assert 1 < rows[f"gain.with_v_eff.{category}"]["value"] < rows[f"gain.sum_w2_alone.{category}"]["value"]


def test_tables_hold_what_rows_are_made_of(audit):
    sample = audit["samples"]["test"]
    assert sample["events"] == 30_000
    assert 100 * sample["mad"]["gnn"]["b"][0] == pytest.approx(audit["rows"]["deviation.gnn.b"]["value"])
    entry = sample["closure_chi2"]["2tag"]["delta_r"]["gnn"]["inclusive"]
    assert entry["chi2"] / entry["ndf"] == pytest.approx(audit["rows"]["closure.delta_r.2tag.chi2"]["value"])
    assert set(sample["closure_chi2"]["1tag"]["pt_gev"]["map"]) == {
        *("inclusive", "b_b", "b_c", "b_udsg", "c_c", "c_udsg", "udsg_udsg")
    }
    assert np.shape(audit["non_closure"]["systematic"]) == (3, 5, 4)
    assert audit["members"] == {"used": 5, "configured": 20, "not_converged": {}}
    assert audit["seeds"] == {"toy": 1}
    assert (audit["commit"], audit["config"], audit["model"], audit["working_point"]) == (
        "abc",
        "toy",
        "gnn",
        "M",
    )


def test_the_same_inputs_give_the_same_bytes():
    part = {name: first_events(sample, 3000) for name, sample in samples().items()}
    assert audited(part) == audited(part)


def test_coverage_and_rows_made_elsewhere_are_joined_and_judged():
    coverage = {
        "all": {"with_v_eff": 0.9, "without_v_eff": 1.0},
        "b_b": {"with_v_eff": 1.25, "without_v_eff": 0.9},
        "b_udsg": {"with_v_eff": 1.0, "without_v_eff": 3.1},
    }
    other = {**coverage_rows(coverage), "export.onnx": Row(1e-7, "ONNX")}
    rows = rows_of(audited({"test": small()}, rows=other))
    assert rows["coverage.with_v_eff.b_b"]["passed"] is False
    assert rows["coverage.with_v_eff.b_udsg"]["passed"] is True
    assert rows["coverage.sum_w2_alone.b_udsg"]["value"] == 3.1
    assert rows["coverage.with_v_eff.all"]["passed"] is None
    assert rows["export.onnx"] == {"value": 1e-7, "limit": 1e-5, "passed": True, "description": "ONNX"}


def test_an_ensemble_is_probed_for_its_symmetries():
    class Flat:
        def evaluate(self, events):
            mean = np.full((len(events.pt_gev), 1), 0.3, np.float32)
            return type("Found", (), {"mean": mean, "out_of_range": events.pt_gev > 1000})

    rows = rows_of(audited({"test": small()}, ensemble=Flat()))
    symmetry = {name: row for name, row in rows.items() if name.startswith(("symmetry.", "out_of_range."))}
    assert len(symmetry) == 7
    assert all(row["limit"] is not None for row in symmetry.values())
    assert all(row["passed"] for row in symmetry.values())
    # the same ensemble, for truth tagging: its efficiencies do not see other jets
    names = ("sums.patterns", "draws.patterns", "draws.order", "taggable.others", "scale_factors.exactly_2.pull")
    assert {f"truth_tagging.{name}" for name in names} <= rows.keys()
    assert rows["truth_tagging.taggable.graph"]["passed"] is False


def test_a_network_that_sees_phi_is_found():
    class SeesPhi:
        def evaluate(self, events):
            mean = 0.5 + 0.1 * np.sin(events.phi[:, None])
            return type("Found", (), {"mean": mean.astype(np.float32), "out_of_range": events.pt_gev > 1000})

    rows = rows_of(audited({"test": small()}, ensemble=SeesPhi()))
    assert rows["symmetry.phi_rotation"]["value"] > 0.1
    assert rows["symmetry.phi_rotation"]["passed"] is False
    assert rows["symmetry.permutation"]["passed"] is True


def test_the_scalar_of_another_mass_is_found():
    chosen = {name: first_events(samples()[name], 3000) for name in ("test", "scalar")}
    toy = CONFIG.efficiency.toy
    heavier = toy.model_copy(update={"scalar": toy.scalar.model_copy(update={"mass_gev": 100.0})})
    right, wrong = (rows_of(audited(chosen, toy=given)) for given in (toy, heavier))
    assert all(right[f"toy.scalar.{name}"]["passed"] for name in ("mass", "mass_stored", "same_function"))
    assert wrong["toy.scalar.mass_stored"]["value"] == pytest.approx(0.1, rel=1e-4)


def test_a_member_that_is_missing_is_said(rows):
    assert rows["ensemble.members"]["value"] == 0.25
    assert rows["ensemble.members"]["passed"] is False


def test_real_structure_has_no_truth_and_no_row_that_needs_it():
    test = small()
    found = audited({"test": test._replace(truth=None)})
    rows = json.loads(found.audit)["rows"]
    of_skims = CONFIG.efficiency.model_copy(update={"toy": None, "ratio": None, "experiments": None})
    known = of_skims.row_names(CONFIG.flavours)
    elsewhere = ("truth_tagging.draws", "truth_tagging.scale", "truth_tagging.tagg", "truth_tagging.sums.patterns")
    elsewhere += ("symmetry.", "out_of_range.", "export.", "ensemble.p")
    known = {name for name in known if not name.endswith(".last_half")}
    assert set(rows) == {name for name in known if not name.startswith((*elsewhere, "calibration.cross_fit"))}
    closure = EfficiencyClosure.from_json(found.closure)
    assert closure.spread is None
    assert not closure.samples["test"].has_truth
    assert closure.non_closure.bias is None


def test_negative_weights_change_yields_and_not_the_verdict():
    test = samples()["test"]
    weight = np.where(np.random.default_rng(1).random(len(test.events)) < 0.1, -1.0, 1.0).astype(np.float32)
    rows = rows_of(audited({"test": test._replace(events=replace(test.events, weight=weight))}))
    names = ("calibration.all_jets.b", "closure.delta_r.1tag.chi2", "closure.delta_r.2tag.chi2")
    assert all(rows[name]["passed"] for name in (*names, "correlation.significance.gnn"))


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
        rows = rows_of(audited({"test": sample}, settings))
        monotone = rows["working_points.monotone"]
        assert (monotone["value"], monotone["limit"], monotone["passed"]) == (0.0, 0.0, True)
        # 0.4 of the loose one where 0.5 is true
        assert rows["working_points.deviation.b.T"]["value"] == pytest.approx(20, abs=0.5)
        assert rows["calibration.all_jets.b"]["value"] == pytest.approx(100 * (factor - 1), abs=0.5)
        assert rows["truth_tagging.sums.numbers"]["passed"] is True


def test_yields_of_a_part_of_the_events_are_scaled_to_all_of_them():
    test = first_events(small(), 2000)
    whole, part = (audited({"test": test._replace(share=share)}) for share in (1.0, 0.25))
    shown, scaled = (EfficiencyClosure.from_json(found.closure).samples["test"] for found in (whole, part))
    assert (scaled.share, scaled.n_events) == (0.25, 2000)
    for yields, larger in (
        (shown.regions["2tag"]["delta_r"], scaled.regions["2tag"]["delta_r"]),
        (shown.n_tags, scaled.n_tags),
    ):
        np.testing.assert_allclose(larger.direct, 4 * yields.direct)
        np.testing.assert_allclose(larger.models["gnn"].predicted, 4 * yields.models["gnn"].predicted)
        np.testing.assert_allclose(larger.models["gnn"].error, 4 * yields.models["gnn"].error)
        np.testing.assert_allclose(larger.pulls("gnn"), yields.pulls("gnn"))
    # a factor on all weights changes no row
    assert json.loads(part.audit)["rows"] == json.loads(whole.audit)["rows"]


@pytest.mark.parametrize("share", [0.0, -0.1, float("nan")])
def test_a_sample_without_luminosity_is_refused(share):
    with pytest.raises(
        ValueError, match=r"the share of the luminosity of 100 events is .*, not above 0: .*split\.test_fraction"
    ):
        audited({"test": first_events(small(), 100)._replace(share=share)})


def test_flavour_names_come_from_the_events():
    test = small()
    renamed = {"test": test._replace(events=replace(test.events, flavours=("bottom", "charm", "light")))}
    rows = rows_of(audited(renamed), limits={"deviation.gnn.bottom": 0.01})
    assert rows["deviation.gnn.bottom"]["passed"] is False
    assert rows["deviation.gnn.charm"]["limit"] is None
    assert "deviation.gnn.bottom.over_closest_jet" in rows
    assert "correlation.injected.bottom_light" in rows


def test_a_missing_sample_or_model_is_named():
    with pytest.raises(ValueError, match=r"the audit needs the sample 'test'.*got \['scalar'\]"):
        audited({"scalar": samples()["scalar"]})
    test = samples()["test"]
    with pytest.raises(ValueError, match=r"sample test: no efficiencies of gnn.*there are \['map'\]"):
        audited({"test": test._replace(models={"map": test.models["map"]})})


def test_a_limit_of_a_row_that_the_audit_does_not_make_is_refused():
    settings = CONFIG.efficiency.audit.model_copy(update={"limits": {"export.onnx": 1e-5}})
    campaign = AuditedCampaign(CONFIG.efficiency.ensemble, {"b": (5,), "c": (4,), "udsg": (0,)})
    with pytest.raises(ValueError, match=r"efficiency\.audit\.limits\.export\.onnx: the audit made no such row"):
        audit_efficiencies(EfficiencyResults({"test": small()}), campaign, settings, head={})


def test_members_that_still_learned_are_named_and_their_networks_have_a_row():
    def history(*losses):
        return {"pass": [1, 2, 3, 4], "validation_loss": list(losses), "start_loss": [1.0] * 4}

    histories = {"gnn": {0: history(0.8, 0.62, 0.61, 0.6), 7: history(0.8, 0.7, 0.65, 0.6)}}
    found = json.loads(audited({"test": small()}, histories=histories).audit)
    assert list(found["members"]["not_converged"]) == ["7"]
    assert "25% of what it has learned came in the last half" in found["members"]["not_converged"]["7"][0]
    assert found["rows"]["convergence.gnn.last_half"]["value"] == pytest.approx(15.0)
