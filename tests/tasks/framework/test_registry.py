"""Which tasks there are, by name; reports are none that make something."""

from __future__ import annotations

import pytest

from tasks.framework.registry import Report, task_classes


class PrintsSomething(Report):
    """A report."""

    def run(self):
        self.ran = True


def test_tasks_are_found_in_the_modules_of_law_cfg_and_among_what_was_imported():
    known = task_classes()
    assert {"TrainDeepSF", "ProduceDeepSFEnsemble", "GenerateNtuples", "TrainEfficiency", "FirstOfChain"} <= set(known)
    assert all(name == cls.get_task_family() for name, cls in known.items())


def test_neither_bases_nor_reports_are_tasks_that_make_something():
    known = set(task_classes())
    assert known.isdisjoint({"ShowStatus", "CleanOutputs", "PrintsSomething"})
    assert known.isdisjoint({"Workflow", "EnsembleWorkflow", "ConfigTask", "PlotTask", "SampleWorkflow"})


def test_every_task_says_what_it_makes_and_describes_its_parameters():
    for name, cls in task_classes().items():
        if cls.__module__.startswith("tasks."):
            assert "__doc__" in vars(cls), name
            assert cls.__doc__, name
            assert [parameter for parameter, value in cls.get_params() if not value.description] == [], name


def test_a_report_is_complete_once_it_ran_in_this_process(campaign):
    report = campaign.task(PrintsSomething)
    assert report.output() == []
    assert not report.complete()
    report.run()
    assert report.complete()


@pytest.mark.parametrize("module", ["tasks.status", "tasks.clean"])
def test_reports_are_in_laws_index(module):
    import law

    assert module in law.config.options("modules")
