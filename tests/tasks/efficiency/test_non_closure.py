"""The non-closure: measured where efficiencies are not of the events that were trained on, and used for the same."""

from __future__ import annotations

import pytest

from tasks.efficiency.exports import ExportEfficiency
from tasks.efficiency.non_closure import MeasureNonClosure
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tests.tasks.conftest import names


@pytest.mark.parametrize("base", ["efficiency_small", "efficiency_nanoaod"])
def test_it_is_measured_for_the_ensemble_and_for_the_cross_fit(of, base):
    branches = of(MeasureNonClosure, base).get_branch_tasks()
    assert [names(branch) for branch in branches.values()] == [["non_closure_train.json"], ["non_closure_test.json"]]
    assert [branch.requires()["efficiencies"].branch_data for branch in branches.values()] == ["train", "test"]


def test_tables_have_that_of_their_own_efficiencies(of):
    tables = of(ApplyTruthTagging).get_branch_tasks().values()
    used = {task.branch_data: task.requires()["non_closure"].branch_data for task in tables}
    assert used == {"train": "train", "test": "test", "scalar": "test"}


def test_the_exported_ensemble_has_that_of_the_ensemble_and_needs_no_cross_fit(of):
    assert of(ExportEfficiency).requires()["non_closure"].branch_data == "test"


def test_it_depends_on_its_cells_and_not_on_limits(changed):
    cells = {"non_closure_pt_gev": [20, 100, 1000]}
    found = changed(MeasureNonClosure, efficiency={"audit": cells})
    assert found == {"config:efficiency.audit.non_closure_pt_gev"}
    assert changed(MeasureNonClosure, efficiency={"audit": {"limits": {"export.onnx": 1.0}}}) == set()
