"""The audit: the only task that knows the true scale factors, and what it depends on."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.audit import AuditScaleFactors
from tasks.efficiency.audit import AuditEfficiency
from tasks.framework import settings
from tasks.framework.registry import task_classes
from tasks.phase_space import AuditPhaseSpace
from tests.tasks.conftest import names
from tests.tasks.framework.chain import ROOT

TRUTH = ROOT / "configs" / "true_sf" / "toy.json"


def test_its_report_and_what_plots_draw_are_its_outputs(task_of):
    task = task_of(AuditScaleFactors)
    assert names(task) == ["audit.json", "bin_means.json", "closure.json", "truth_overlay.json"]
    assert {"skims", "inclusive", "binned", "deepsf", "direct", "errors"} == task.requires().keys()


def test_no_task_but_generation_and_audit_reads_the_true_scale_factors(campaign):
    readers = set()
    for name, cls in task_classes().items():
        if cls.__module__.startswith("tasks.") and not cls.__module__.startswith("tasks.efficiency"):
            task = cls(version="v1", config=str(ROOT / "configs" / "toy_small.yaml"))
            units = task.get_branch_tasks().values() if hasattr(task, "get_branch_tasks") else [task]
            readers |= {name for unit in units if TRUTH in set(unit.external_files())}
    assert readers == {"GenerateNtuples", "AuditScaleFactors", "AuditPhaseSpace"}


@pytest.mark.parametrize("audit", [AuditScaleFactors, AuditPhaseSpace])
def test_data_whose_truth_is_not_known_exactly_are_refused_and_their_efficiencies_are_not(task_of, audit):
    with pytest.raises(ConfigError, match=r"^generator\.neighbours: .* take the section away, or measure efficiencies"):
        task_of(audit, "efficiency_nanoaod_neighbours")
    assert task_of(AuditEfficiency, "efficiency_nanoaod_neighbours").requires()


def test_without_generated_input_there_is_no_truth_to_read(campaign):
    task = AuditScaleFactors(version="v1", config="cms_2017")
    assert settings.config("cms_2017").generator is None
    assert tuple(task.external_files()) == ()


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        ({"audit": {"n_jets": 1000}}, {"config:audit"}),
        ({"ensemble": {"seed": 9}}, {"config:ensemble"}),
        ({"plots": {"label": "other"}}, set()),
        ({"training": {"learning_rate": 5e-4}}, set()),
        ({"binned": {"n_bootstrap": 9}}, set()),
        ({"shifts": {"eigenvectors": 3}}, {"config:shifts"}),
    ],
    ids=lambda value: next(iter(value), "nothing"),
)
def test_it_depends_on_its_own_settings_and_on_upstream_by_content_alone(changed, edit, keys):
    assert changed(AuditScaleFactors, **edit) == keys
