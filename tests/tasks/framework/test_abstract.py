"""Classes that are only inherited from are no tasks: neither law's index nor luigi's options know them."""

from __future__ import annotations

import law
import luigi
import pytest

from tasks.efficiency.events import EfficiencyTask, SampleWorkflow
from tasks.efficiency.networks import EfficiencyTraining
from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask
from tasks.framework.members import EnsembleWorkflow
from tasks.framework.registry import Report
from tasks.framework.workflows import Workflow
from tasks.plots import PlotTask
from tests.tasks.framework.chain import FirstOfChain

BASES = [ConfigTask, Workflow, EnsembleWorkflow, Report, PlotTask, EfficiencyTask, SampleWorkflow, EfficiencyTraining]


def has_options(cls: type) -> bool:
    """Return whether luigi makes command-line options of the parameters of a class."""
    return any(task == cls.get_task_family() for task, *_ in luigi.task_register.Register.get_all_params())


@pytest.mark.parametrize("cls", [*BASES, law.BaseWorkflow, law.LocalWorkflow, law.htcondor.HTCondorWorkflow])
def test_no_options_are_made_of_bases(cls):
    assert cls.exclude_index
    assert not has_options(cls)


def test_tasks_that_inherit_from_one_are_tasks_again():
    assert has_options(FirstOfChain)
    assert not FirstOfChain.exclude_index

    @only_inherited
    class BetweenThem(FirstOfChain):
        """A base on top of a task."""

    class OnTopOfIt(BetweenThem):
        """A task on top of a base."""

    assert (has_options(BetweenThem), has_options(OnTopOfIt), has_options(FirstOfChain)) == (False, True, True)
