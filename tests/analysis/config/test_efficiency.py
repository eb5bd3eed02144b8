"""Sections of efficiencies: what is refused before anything is trained, and defaults that follow from other keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deepsf.config import ConfigError, load

CONFIGS = Path(__file__).parents[3] / "configs"
TOY, SKIMS = "efficiency_toy", "toy_small"


@pytest.fixture
def loaded(tmp_path):
    """Return a function that loads a shipped configuration with other efficiencies."""

    def of(base, **efficiency):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({"extends": str(CONFIGS / f"{base}.yaml"), "efficiency": efficiency}))
        return load(path)

    return of


@pytest.fixture
def message(loaded):
    def of(base, **efficiency) -> str:
        with pytest.raises(ConfigError) as error:
            loaded(base, **efficiency)
        return str(error.value)

    return of


@pytest.mark.parametrize("selection", ["exactly", "at_least"])
def test_numbers_of_tags_are_not_negative(message, selection):
    text = message(TOY, truth_tagging={selection: [1, -1]})
    assert f"efficiency.truth_tagging.{selection}.1: Input should be greater than or equal to 0 (got -1)" in text


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"5.b": [2.0, 1.0]}, "efficiency.audit.limits.5.b = [2, 1]: no value can pass; the lower end comes first"),
        ({"5.b": [None, None]}, "limits.5.b = [null, null]: an interval that is open at both ends is none; write null"),
        ({"9chi2_1tag": 2.0}, "efficiency.audit.limits.9chi2_1tag: no row is called that"),
        ({"9chi2_1tag": 2.0}, "did you mean '9.chi2_1tag'?"),
        ({"28.b": 2.0}, "efficiency.audit.limits.28.b: no row is called that"),
        ({"5": 2.0}, "efficiency.audit.limits.5: no row is called that"),
    ],
)
def test_limits_that_no_row_can_have_or_meet_are_refused_with_their_key(message, limits, expected):
    assert expected in message(TOY, audit={"limits": limits})


def test_limits_may_be_of_rows_that_some_campaigns_alone_have(loaded):
    limits = {"6b.b": 1.0, "5.gluon": [None, 2.0], "14.with_v_eff.b_b": [1.0, 1.0], "23.b": None}
    found = loaded(TOY, audit={"limits": limits}).efficiency.audit.limits
    assert found == {"6b.b": 1.0, "5.gluon": (None, 2.0), "14.with_v_eff.b_b": (1.0, 1.0), "23.b": None}


@pytest.mark.parametrize(("base", "expected"), [(TOY, True), (SKIMS, False)])
def test_limits_of_the_shipped_toy_are_for_toys_unless_asked_for(loaded, base, expected):
    assert loaded(base).efficiency.audit.default_limits is expected
    assert loaded(base, audit={"n_replicas": 5}).efficiency.audit.default_limits is expected
    assert loaded(base, audit={"default_limits": None}).efficiency.audit.default_limits is expected
    assert loaded(base, audit={"default_limits": not expected}).efficiency.audit.default_limits is not expected


def test_default_comparisons_leave_the_model_of_the_ensemble_out(loaded):
    assert loaded(TOY).efficiency.comparisons == {"closest_jet": 3, "pairwise": 3}
    assert loaded(TOY, ensemble={"model": "pairwise"}).efficiency.comparisons == {"closest_jet": 3}


def test_comparisons_with_the_model_of_the_ensemble_are_refused_with_a_way_out(message, loaded):
    text = message("efficiency_small", ensemble={"model": "pairwise"})
    assert "efficiency.comparisons.pairwise: is the model of the ensemble itself; name the others under" in text
    assert "such as {closest_jet: 2}, or set it to null where an extended file has it" in text
    assert "such as {closest_jet: 3}" in message(TOY, ensemble={"model": "pairwise"}, comparisons={"pairwise": 1})
    without = loaded("efficiency_small", ensemble={"model": "pairwise"}, comparisons={"pairwise": None})
    assert without.efficiency.comparisons == {"closest_jet": 2}


def test_working_points_of_a_tagger_beside_a_toy_are_refused(message):
    text = message(TOY, working_points=["M"])
    assert "efficiency.working_points = ['M']: of the tagger, for events of skims" in text
    assert "efficiency.toy.working_points, leave these out" in text


def test_skims_have_the_medium_working_point_by_default(loaded):
    assert loaded(SKIMS).efficiency.working_points == ("M",)
    assert loaded(SKIMS, working_points=["L", "T"]).efficiency.wp_names == ("L", "T")


def test_a_network_that_there_is_not_is_refused_with_those_that_there_are(message):
    text = message(TOY, models={"invariant": {"units": 8}}, ensemble={"model": "paper"}, comparisons={"product": 3})
    assert "models.invariant: unknown key; known are closest_jet, gnn, gnn_2004_02665, pairwise" in text
    known = "Input should be 'closest_jet', 'pairwise', 'gnn' or 'gnn_2004_02665'"
    assert f"efficiency.ensemble.model: {known} (got 'paper')" in text
    assert f"efficiency.comparisons.product.[key]: {known} (got 'product')" in text


@pytest.mark.parametrize("base", ["efficiency_toy", "efficiency_small", "efficiency_nanoaod", "efficiency_2004_02665"])
def test_a_snapshot_for_jobs_is_the_same_configuration(base):
    config = load(CONFIGS / f"{base}.yaml")
    assert type(config).model_validate_json(config.model_dump_json()) == config
