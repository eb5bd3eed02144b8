"""Tasks of efficiencies: what they refuse as soon as they are asked for, what they depend on, how exports are named."""

from __future__ import annotations

import pytest
import yaml

from deepsf.config import ConfigError
from tasks.efficiency.events import GenerateEfficiencyToy
from tasks.efficiency.experiments import (
    MeasureEfficiencySF,
    RunCoverageReplicas,
    RunEfficiencyExperiments,
    toy_of_experiments,
)
from tasks.efficiency.exports import ExportEfficiency
from tasks.efficiency.networks import EvaluateEfficiency
from tasks.efficiency.produce import ProduceEfficiencyEnsemble
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tests.tasks.framework.chain import ROOT

ON_THE_TOY = [GenerateEfficiencyToy, RunCoverageReplicas, RunEfficiencyExperiments, MeasureEfficiencySF]


@pytest.fixture
def of(campaign, tmp_path):
    """Return a function that makes a task of a shipped configuration with other sections."""

    def make(cls, base="efficiency_small", efficiency=None, **sections):
        path = tmp_path / f"mine_{base}.yaml"
        tree = {"extends": str(ROOT / "configs" / f"{base}.yaml"), **sections}
        path.write_text(yaml.safe_dump(tree | ({"efficiency": efficiency} if efficiency else {})))
        campaign.new_process()
        return cls(version="v1", config=str(path))

    return make


@pytest.mark.parametrize("cls", ON_THE_TOY)
def test_tasks_on_the_toy_refuse_skims_in_words(of, cls):
    with pytest.raises(
        ConfigError, match=rf"no section efficiency\.toy, which {cls.__name__} needs; choose one of gen"
    ):
        of(cls, "efficiency_nanoaod")
    with pytest.raises(ConfigError, match=r"no efficiency\.toy: it is one without efficiencies; choose another"):
        of(cls, "toy_small")


@pytest.mark.parametrize(
    ("cls", "section"), [(RunEfficiencyExperiments, "experiments"), (MeasureEfficiencySF, "ratio")]
)
def test_experiments_that_are_left_out_say_what_to_write(of, cls, section):
    with pytest.raises(
        ConfigError, match=rf"no section efficiency\.{section}, .*; write efficiency\.{section}: \{{\}}"
    ):
        of(cls, efficiency={section: None})


def test_a_key_of_a_section_that_is_left_out_names_that_section(of):
    task = of(ProduceEfficiencyEnsemble, efficiency={"experiments": None})
    with pytest.raises(
        ConfigError, match=r"no efficiency\.experiments\.seed: it has no section efficiency\.experiments"
    ):
        task.plan_cfg("efficiency.experiments.seed")


def test_scale_factors_that_are_not_there_are_named_before_anything_runs(of, tmp_path):
    file = tmp_path / "sf.json"
    truth_tagging = {"scale_factors": {"file": str(file), "names": ["deepJet_comb"]}}
    with pytest.raises(ConfigError, match=rf"truth_tagging\.scale_factors\.file: {file} is not there; give a path"):
        of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    file.write_text("{}")
    required = of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    assert isinstance(required["tagged"], ApplyTruthTagging)


@pytest.mark.parametrize("cls", [RunCoverageReplicas, MeasureEfficiencySF])
def test_experiments_with_samples_of_their_own_do_not_depend_on_those_of_the_toy(of, cls):
    def inputs(**toy):
        return of(cls, efficiency={"toy": toy, "audit": {"pt_gev": [20, 100]}} if toy else None).own_inputs()

    before = inputs()
    assert inputs(n_train=5, n_test=6, scalar={"n_events": 7}) == before
    assert inputs(seed=2) != before
    assert inputs(hidden_variable=0.1) != before


def test_the_toy_of_experiments_is_the_toy_but_for_its_samples(of):
    task = of(RunCoverageReplicas)
    given, found = task.plan_cfg("efficiency.toy"), toy_of_experiments(task)
    own = {"n_train", "n_test", "scalar"}
    assert found.model_dump(exclude=own) == given.model_dump(exclude=own)
    assert (found.n_train, found.scalar.n_events) == (1_000_000, 300_000)


@pytest.mark.parametrize("base", ["efficiency_small", "efficiency_nanoaod"])
def test_maps_are_not_evaluated_at_the_events_that_filled_them(of, base):
    branches = of(EvaluateEfficiency, base).get_branch_tasks().values()
    with_maps = [task.branch_data for task in branches if "maps" in task.requires()]
    assert with_maps == [task.branch_data for task in branches if task.branch_data != "train"]


def test_exports_say_tagger_branch_and_era(of):
    task = of(ExportEfficiency, "efficiency_nanoaod", exports={"description": "Of a test."})
    assert task.head() == "[tagger: deepJet; branch: btagDeepFlavB; era: toy] Of a test."
    assert of(ExportEfficiency, "efficiency_nanoaod", exports={"era": "2017"}).head().endswith("era: 2017]")
    assert of(ExportEfficiency).head() == ""
