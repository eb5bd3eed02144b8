"""The audit of efficiencies: the only task that reads the truth of the toy, and what it requires."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.efficiency import evaluation
from deepsf.efficiency.toy import Truth
from tasks.efficiency.audit import AuditEfficiency
from tasks.efficiency.truth_tagging import truth_tagged
from tasks.framework.registry import task_classes
from tests.analysis.efficiency.events.random_jets import random_events
from tests.oracles.tag_corrections import cuts_file
from tests.tasks.conftest import names


def test_its_report_and_what_figures_draw_are_its_outputs(of):
    assert names(of(AuditEfficiency)) == ["audit.json", "closure.json"]


def test_no_other_task_reads_true_efficiencies(of):
    readers = set()
    for name, cls in task_classes().items():
        if cls.__module__.startswith("tasks.efficiency") and name != "CollectJetEvents":
            task = of(cls)
            units = task.get_branch_tasks().values() if hasattr(task, "get_branch_tasks") else [task]
            upstream = {target.file.name for unit in units for target in unit.upstream()}
            readers |= {name for sample in task.samples() if f"truth_{sample}.parquet" in upstream}
    assert readers == {"AuditEfficiency"}


def test_truth_tagged_yields_are_audited_where_there_are_scale_factors(of, tmp_path):
    assert "tagged" not in of(AuditEfficiency).requires()
    scale_factors = {"file": str(cuts_file(tmp_path / "cuts.json", 2.5)), "names": ["heavy", "light"]}
    task = of(AuditEfficiency, efficiency={"truth_tagging": {"scale_factors": scale_factors}})
    assert task.requires()["tagged"].task_family == "ApplyTruthTagging"
    assert truth_tagged(task)["test"].name == "truth_tagged_test.parquet"


def test_experiments_and_coverage_are_of_the_toy_and_may_be_left_out(of):
    on_toy = {"coverage", "scale_factors", "experiments"}
    assert on_toy < of(AuditEfficiency).requires().keys()
    without = of(AuditEfficiency, efficiency={"experiments": None, "ratio": None}).requires()
    assert on_toy & without.keys() == {"coverage"}
    assert not on_toy & of(AuditEfficiency, "efficiency_nanoaod").requires().keys()


@pytest.mark.parametrize(("base", "share"), [("efficiency_nanoaod", 0.25), ("efficiency_small", 1.0)])
def test_samples_of_skims_are_parts_of_the_luminosity_and_generated_ones_have_none(of, monkeypatch, base, share):
    events = {name: random_events(number) for name, number in (("test", 100), ("train", 300))}
    monkeypatch.setattr(AuditEfficiency, "load_events", lambda task, sample: events.get(sample, events["test"]))
    monkeypatch.setattr(evaluation, "read", lambda path: {})
    monkeypatch.setattr(Truth, "read", lambda path: Truth(np.zeros((0, 1)), ("M",)))
    found = of(AuditEfficiency, base)._samples()
    assert found["test"].share == pytest.approx(share, abs=0.05 * (share < 1))
    of_weights = events["test"].weight.sum() / (events["test"].weight.sum() + events["train"].weight.sum())
    assert share == 1.0 or found["test"].share == pytest.approx(of_weights, rel=1e-5)
