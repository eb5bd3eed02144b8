"""Truth tagging: a table a sample, and scale factors that must be there."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.efficiency.produce import ProduceEfficiencyEnsemble
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tests.tasks.conftest import names


def test_scale_factors_that_are_not_there_are_named_before_anything_runs(of, tmp_path):
    file = tmp_path / "sf.json"
    truth_tagging = {"scale_factors": {"file": str(file), "names": ["deepJet_comb"]}}
    with pytest.raises(ConfigError, match=rf"truth_tagging\.scale_factors\.file: {file} is not there; give a path"):
        of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    file.write_text("{}")
    required = of(ProduceEfficiencyEnsemble, efficiency={"truth_tagging": truth_tagging}).requires()
    assert isinstance(required["tagged"], ApplyTruthTagging)


def test_each_sample_is_a_branch(of):
    task = of(ApplyTruthTagging)
    assert [names(branch) for branch in task.get_branch_tasks().values()] == [
        [f"truth_tagged_{sample}.parquet"] for sample in ("train", "test", "scalar")
    ]
    required = task.as_branch(1).requires()
    assert (required["efficiencies"].branch_data, required["events"].branch_data) == ("test", "test")


def test_it_depends_on_how_tags_are_drawn_and_on_no_training(changed):
    assert changed(ApplyTruthTagging, efficiency={"truth_tagging": {"seed": 9}}) == {"config:efficiency.truth_tagging"}
    assert changed(ApplyTruthTagging, efficiency={"ensemble": {"seed": 9}}) == set()


def test_cuts_of_the_tagger_matter_on_skims_alone(of):
    assert "tagger.working_points" not in of(ApplyTruthTagging).config_keys
    assert "tagger.working_points" in of(ApplyTruthTagging, "efficiency_nanoaod").config_keys
