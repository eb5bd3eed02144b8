"""law's driver of jobs as changed here: which failed jobs are submitted again, with what memory, and what is said."""

from __future__ import annotations

import re

import law
import pytest

from tasks.framework.htcondor.driver import Driver
from tasks.framework.htcondor.failures import JobsFailedError
from tasks.framework.htcondor.queue import QueueError
from tests.tasks.framework.chain import BranchesOfChain

LAWS = law.htcondor.HTCondorWorkflow.workflow_proxy_cls
RETRY, FAILED, PENDING, RUNNING = "retry", "failed", "pending", "running"


@pytest.fixture
def driver(campaign, condor, said) -> Driver:
    """The driver of three branches, a job each."""
    condor("condor_version", "$CondorVersion: 24.0.0 $")
    campaign.edit(ensemble={"n_members": 3}, htcondor={"memory_factor_max": 4})
    return campaign.task(BranchesOfChain, workflow="htcondor").workflow_proxy


def job(branch: int, status: str, error: str | None = None):
    extra = {"job_id": f"7.{branch}", "status": status, "error": error, "code": 0, "extra": {}}
    return Driver.job_data_cls.fget(None).job_data(branches=[branch]) | extra


# --- resubmission


def test_failed_jobs_are_submitted_again_while_they_have_retries_left(driver) -> None:
    driver.job_data.jobs = {1: job(0, RETRY, "exit code 1"), 2: job(1, FAILED, "exit code 1")}
    assert driver.jobs_to_resubmit({1: [0], 2: [1]}) == {1: [0]}


def test_law_gets_only_these_to_submit_and_none_where_all_have_failed_for_good(driver, monkeypatch) -> None:
    handed = []
    monkeypatch.setattr(LAWS, "submit", lambda _, jobs=None: handed.append(jobs))
    driver.job_data.jobs = {1: job(0, RETRY), 2: job(1, FAILED)}
    driver.submit()
    driver.submit({1: [0], 2: [1]})
    driver.submit({2: [1]})
    assert handed == [None, {1: [0]}, None]


def test_memory_doubles_for_the_job_that_was_short_of_it_up_to_the_limit(driver) -> None:
    driver.job_data.jobs = {1: job(0, RETRY, "memory 900 MB above request 800 MB"), 2: job(1, RETRY, "exit code 1")}
    factors = []
    for _ in range(4):
        driver.jobs_to_resubmit({1: [0], 2: [1]})
        factors.append((driver.memory_factor(1), driver.memory_factor(2)))
    assert factors == [(2, 1), (4, 1), (4, 1), (4, 1)]


def test_a_submission_asks_for_the_memory_of_each_job(driver, campaign) -> None:
    driver.job_data.jobs = {2: job(1, RETRY, "memory 900 MB above request 800 MB")}
    driver.jobs_to_resubmit({2: [1]})
    config = driver.task.htcondor_create_job_file_factory().get_config()
    config.render_variables, config.custom_content = {}, []
    config = driver.task.htcondor_job_config(config, [1, 2, 3], [[0], [1], [2]])
    memory = driver.task.plan_cfg("htcondor.request_memory_mb")
    assert dict(config.custom_content)["request_memory"] == f"$CHOICE(Process,{memory},{2 * memory},{memory}) MB"
    assert config.postfix == ["_0", "_1", "_2"]


# --- what is said


def test_law_still_calls_the_one_private_method_that_is_replaced() -> None:
    own = {name for name, value in vars(Driver).items() if callable(value) and re.match("_[a-z]", name)}
    assert own & set(dir(LAWS)) == {"_print_status_errors"}, "another private method of law is replaced"
    assert hasattr(LAWS, "_print_status_errors"), f"law {law.__version__} has another name for what prints failed jobs"
    assert "_print_status_errors" in LAWS.poll.__code__.co_names, f"law {law.__version__} prints failed jobs elsewhere"


def test_each_failed_job_is_told_with_its_reason_and_whether_it_is_submitted_again(driver, said) -> None:
    driver._print_status_errors({1: job(0, RETRY, "held: disk"), 2: job(1, FAILED, "held: disk")})
    text = [law.util.uncolored(line) for line in said]
    assert text == [
        "BranchesOfChain branch 0 failed and is submitted again: held: disk, job 7.0",
        "BranchesOfChain branch 1 failed and has no retries left: held: disk, job 7.1",
    ]


def ended_with(driver: Driver, error: Exception, monkeypatch) -> None:
    """Run the driver with a loop that ends with an error."""

    def loop(self):
        raise error

    monkeypatch.setattr(type(driver.task), "htcondor_workflow_run_context", law.util.empty_context)
    with driver.get_run_context():
        loop(driver)


def test_jobs_that_failed_for_good_are_named_with_reasons_and_the_way_on(driver, monkeypatch) -> None:
    driver.job_data.jobs = {1: job(0, "finished"), 2: job(1, FAILED, "held: disk"), 3: job(2, FAILED)}
    driver._print_status_errors({2: driver.job_data.jobs[2]})
    with pytest.raises(JobsFailedError) as error:
        ended_with(driver, Exception("tolerance exceeded"), monkeypatch)
    assert str(error.value).splitlines() == [
        "BranchesOfChain: branches 1, 2 failed; the same command submits just these again",
        "  BranchesOfChain branch 1: held: disk, job 7.1",
        "  BranchesOfChain branch 2: None",
    ]


def test_with_enough_branches_the_run_goes_on_without_the_others(campaign, driver, said, monkeypatch) -> None:
    driver.job_data.jobs = {3: job(2, FAILED, "held: disk")}
    monkeypatch.setattr(BranchesOfChain, "branches_required", lambda _: 2)
    for number in range(2):
        driver.task.as_branch(number).run()
    said.clear()
    ended_with(driver, Exception("tolerance exceeded"), monkeypatch)
    assert said[-1].endswith("going on with 2 branches, as was asked for")


def test_a_batch_system_that_is_silent_for_too_long_and_other_errors_say_so(driver, monkeypatch) -> None:
    with pytest.raises(QueueError, match="jobs go on, and the same command adopts them"):
        ended_with(driver, Exception("poll_fails exceeded"), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        ended_with(driver, ZeroDivisionError("no failed job"), monkeypatch)


def test_idle_jobs_are_explained_once_in_a_while_and_only_if_none_runs(driver, condor, monkeypatch) -> None:
    condor("condor_q", "Run analysis summary: no slot")
    now = iter([0.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0])
    monkeypatch.setattr("tasks.framework.htcondor.driver.time.monotonic", lambda: next(now))
    driver.job_data.jobs = {1: job(0, PENDING)}
    assert [driver.explain_idle(100.0) for _ in range(4)] == [None, None, "Run analysis summary: no slot", None]
    driver.job_data.jobs = {1: job(0, PENDING), 2: job(1, RUNNING)}
    assert driver.explain_idle(100.0) is None
    driver.job_data.jobs = {1: job(0, PENDING)}
    assert [driver.explain_idle(100.0) for _ in range(2)] == [None, "Run analysis summary: no slot"]


def test_all_jobs_of_the_folder_are_cancelled_whoever_submitted_them(driver, condor, said) -> None:
    condor("condor_q", "7 0 2 abc _0\n9 0 1 abc _1\n")
    removed = condor("condor_rm", "")
    driver.cancel()
    assert said == ["removing 2 jobs"]
    assert "(ClusterId == 7 && ProcId == 0) || (ClusterId == 9 && ProcId == 0)" in removed.read_text()


def test_nothing_is_remembered_of_branches_before_the_run_begins(driver) -> None:
    driver.task.as_branch(0).run()
    assert driver.task.process_resources() == {}
    assert driver.job_data.jobs == {}  # law would note branch 0 as finished, under a number that adoption gives anew
