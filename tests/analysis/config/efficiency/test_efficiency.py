"""Sections of efficiencies: what is refused before anything is trained, and defaults that follow from other keys."""

from __future__ import annotations

import pytest

from deepsf.config import Config, EfficiencyConfig, load
from tests.analysis.config.efficiency.conftest import CONFIGS

TOY, SKIMS = "efficiency_toy", "toy_small"


def test_default_comparisons_leave_the_model_of_the_ensemble_out(loaded):
    assert loaded(TOY).efficiency.comparisons == {"closest_jet": 3, "pairwise": 3}
    # limits of the toy are of rows on the graph network
    with_pairwise = loaded(TOY, ensemble={"model": "pairwise"}, audit={"limits": None})
    assert with_pairwise.efficiency.comparisons == {"closest_jet": 3}


def test_comparisons_with_the_model_of_the_ensemble_are_refused_with_a_way_out(message, loaded):
    text = message("efficiency_small", ensemble={"model": "pairwise"})
    assert "efficiency.comparisons.pairwise: is the model of the ensemble itself; name the others under" in text
    assert "such as {closest_jet: 2}, or set it to null where an extended file has it" in text
    assert "such as {closest_jet: 3}" in message(TOY, ensemble={"model": "pairwise"}, comparisons={"pairwise": 1})
    without = loaded("efficiency_small", ensemble={"model": "pairwise"}, comparisons={"pairwise": None})
    assert without.efficiency.comparisons == {"closest_jet": 2}


def test_a_file_with_a_toy_is_of_efficiencies_alone_whatever_else_there_is(message, loaded):
    assert isinstance(loaded(TOY), EfficiencyConfig)
    assert isinstance(loaded(SKIMS), Config)
    toy = load(CONFIGS / f"{TOY}.yaml").efficiency.toy.model_dump()
    text = message(SKIMS, toy=toy)
    assert text == (
        "mine.yaml, line 2: efficiency.toy: a campaign with samples takes its jets from their skims; leave it out"
    )
    assert "samples: Field required" in message(TOY, toy=None)


def test_working_points_of_a_tagger_beside_a_toy_are_refused(message):
    text = message(TOY, working_points=["M"])
    assert "efficiency.working_points = ['M']: of the tagger, for events of skims" in text
    assert "efficiency.toy.working_points, leave these out" in text


def test_skims_have_the_medium_working_point_by_default(loaded):
    assert loaded(SKIMS).efficiency.working_points == ("M",)
    assert loaded(SKIMS, working_points=["L", "T"]).efficiency.wp_names == ("L", "T")
    assert loaded(TOY).efficiency.working_points is None


def test_skims_without_working_points_are_refused(message):
    assert "efficiency.working_points: null is for toys; name those of the tagger" in message(
        SKIMS, working_points=None
    )


def test_a_network_that_there_is_not_is_refused_with_those_that_there_are(message):
    text = message(TOY, models={"invariant": {"units": 8}}, ensemble={"model": "paper"}, comparisons={"product": 3})
    assert "models.invariant: unknown key; known are closest_jet, gnn, gnn_2004_02665, gnn_eta_phi, pairwise" in text
    known = "Input should be 'closest_jet', 'pairwise', 'gnn', 'gnn_eta_phi' or 'gnn_2004_02665'"
    assert f"efficiency.ensemble.model: {known} (got 'paper')" in text
    assert f"efficiency.comparisons.product: {known} (got 'product')" in text


def test_processes_are_simulated_samples_with_names_of_their_own(message, loaded):
    config = loaded(SKIMS, processes={"train": ["ttbar"], "transfer": {"zz": ["zjets"], "aa": ["ttbar"]}})
    assert config.efficiency.transfer_names == ("aa", "zz")
    assert "process.zz.delta_r.2tag.chi2" in config.efficiency.row_names(config.flavours)
    text = message(SKIMS, processes={"train": ["data"], "transfer": {"test": ["zjets"], "none": []}})
    assert "efficiency.processes.train: ['data'] are no simulated samples of the campaign, which are [" in text
    assert "efficiency.processes.transfer.test: train, test, scalar are other samples; take another name" in text
    assert "efficiency.processes.transfer.none: is empty; name what is in it, or leave it out" in text


def test_limits_of_processes_need_their_sample(message, loaded):
    limits = {"process.zz.delta_r.2tag.chi2": 2.0}
    loaded(SKIMS, processes={"transfer": {"zz": ["zjets"]}}, audit={"limits": limits})
    text = message(SKIMS, processes={"transfer": {"yy": ["zjets"]}}, audit={"limits": limits})
    assert "process.zz.delta_r.2tag.chi2: no row is called that; did you mean 'process.yy.delta_r.2tag.chi2'?" in text


@pytest.mark.parametrize("base", ["efficiency_toy", "efficiency_small", "efficiency_nanoaod", "efficiency_2004_02665"])
def test_a_snapshot_for_jobs_is_the_same_configuration(base):
    config = load(CONFIGS / f"{base}.yaml")
    assert type(config).model_validate_json(config.model_dump_json()) == config
