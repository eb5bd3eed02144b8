"""Events of jets: generated or from skims, by sample, with the truth apart."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.efficiency.events import CollectJetEvents, GenerateEfficiencyToy, truth_targets
from tasks.efficiency.experiments import MeasureEfficiencySF, RunCoverageReplicas, RunEfficiencyExperiments
from tasks.efficiency.maps import BuildEfficiencyMaps
from tests.tasks.conftest import names

ON_THE_TOY = [GenerateEfficiencyToy, RunCoverageReplicas, RunEfficiencyExperiments, MeasureEfficiencySF]


@pytest.mark.parametrize("cls", ON_THE_TOY)
def test_tasks_on_the_toy_refuse_skims_in_words(of, cls):
    with pytest.raises(
        ConfigError, match=rf"no section efficiency\.toy, which {cls.__name__} needs; choose one of gen"
    ):
        of(cls, "efficiency_nanoaod")
    with pytest.raises(ConfigError, match=r"no efficiency\.toy: it is one without efficiencies; choose another"):
        of(cls, "toy_small")


def test_the_default_campaign_is_the_toy_of_efficiencies(campaign):
    assert GenerateEfficiencyToy(version="v1").config == "efficiency_toy"


def test_each_sample_is_a_branch_with_its_truth_in_a_file_of_its_own(of):
    task = of(GenerateEfficiencyToy)
    assert list(task.branch_map.values()) == ["train", "test", "scalar"]
    assert names(task.as_branch(1)) == ["events_test.parquet", "truth_test.parquet"]
    assert task.as_branch(1).own_parameters() == {"sample": "test"}


def test_who_requires_events_does_not_depend_on_their_truth(of):
    toy = of(GenerateEfficiencyToy)
    assert [target.file.name for target in toy.used_output()] == [f"events_{s}.parquet" for s in toy.samples()]
    upstream = of(BuildEfficiencyMaps).upstream()
    assert [target.file.name for target in upstream] == ["events_train.parquet"]


def test_skims_have_no_truth_and_two_samples(of):
    task = of(CollectJetEvents, "efficiency_nanoaod")
    assert task.samples() == ("train", "test")
    assert names(task) == ["events_test.parquet", "events_train.parquet"]
    assert truth_targets(task, task.samples()) == {}
    assert task.requires().task_family == "SkimNtuples"


def test_flavours_come_in_the_order_of_their_index_whatever_the_file_has(of):
    task = of(GenerateEfficiencyToy)
    assert list(task.flavours()) == sorted(task.flavours())
    assert task.hadron_flavours()["b"] == (5,)
