"""Options of workflows: every task has them, so that they reach all that the task on the command line requires."""

from __future__ import annotations

import law
import luigi

from tasks.framework.abstract import only_inherited

law.contrib.load("htcondor")


@only_inherited
class WorkflowOptions(law.Task):
    """Where branches run, how failed jobs are submitted again, and how long a batch system is waited for."""

    workflow = luigi.ChoiceParameter(
        choices=("local", "htcondor"),
        default="local",
        significant=False,
        description="where branches run: local or htcondor",
    )
    retries = luigi.IntParameter(default=2, significant=False, description="how often a failed job is submitted again")
    tolerance = luigi.FloatParameter(
        default=1.0, significant=False, description="fraction of jobs that may fail before the others are given up"
    )
    poll_interval = law.DurationParameter(
        default=0.5, unit="m", significant=False, description="time between two polls [min]"
    )
    patience = law.DurationParameter(
        default=15.0, unit="m", significant=False, description="how long a batch system may not answer [min]"
    )
    transfer_logs = luigi.BoolParameter(default=True, significant=False, description="bring logs of jobs back")
    tasks_per_job = law.htcondor.HTCondorWorkflow.tasks_per_job
    parallel_jobs = law.htcondor.HTCondorWorkflow.parallel_jobs
    accept_members = luigi.IntParameter(
        default=0,
        significant=False,
        description="go on with at least this many members of an ensemble; 0: all are needed",
    )
