"""What a workflow makes of the queue, of a job's log, and of the site's settings; no batch system needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from deepsf.config.htcondor import Credential, HTCondor
from tasks.framework import cluster
from tasks.framework.cluster import LiveJob, QueueError, adopt, branches_of, branches_text, reason_in_log, submit_lines

IDLE, RUNNING = 1, 2


def now(branches: Sequence[int]) -> str:
    return "now"


@pytest.mark.parametrize(
    ("branches", "text"),
    [((4,), "_4"), ((0, 1, 2, 3), "_0-3"), ((0, 1, 2, 7), "_0-2_7"), ((3, 5, 6, 10), "_3_5-6_10")],
)
def test_branches_are_written_short_and_read_back(branches: tuple[int, ...], text: str) -> None:
    assert branches_text(branches) == text
    assert branches_of(text) == branches


def test_jobs_in_the_queue_are_adopted_and_only_what_nobody_works_for_is_missing() -> None:
    jobs = [LiveJob("7.0", RUNNING, "now", (0,)), LiveJob("7.1", IDLE, "now", (1, 2))]
    found = adopt(jobs, now, range(6), complete=[3])
    assert found.adopted == {"7.0": (0,), "7.1": (1, 2)}
    assert found.missing == [4, 5]
    assert (found.outdated, found.held, found.doubled) == ([], [], [])


def test_outdated_and_held_jobs_are_removed_and_submitted_again() -> None:
    jobs = [LiveJob("7.0", RUNNING, "before", (0,)), LiveJob("8.0", cluster.HELD, "now", (1,))]
    found = adopt(jobs, now, range(2), complete=[])
    assert (found.outdated, found.held, found.adopted, found.missing) == (["7.0"], ["8.0"], {}, [0, 1])


def test_a_job_is_outdated_by_its_own_branches_alone() -> None:
    jobs = [LiveJob("7.0", RUNNING, "0", (0,)), LiveJob("7.1", RUNNING, "1", (1,))]
    found = adopt(jobs, lambda branches: "0" if branches == (0,) else "changed", range(2), complete=[])
    assert (found.adopted, found.outdated, found.missing) == ({"7.0": (0,)}, ["7.1"], [1])


def test_the_jobs_of_a_submission_have_one_value_or_each_its_own() -> None:
    assert cluster.choice(["a", "a"]) == '"a"'
    assert cluster.choice(["a", "b"]) == '"$CHOICE(Process,a,b)"'


def test_a_branch_has_one_job_the_one_that_was_submitted_first() -> None:
    jobs = [LiveJob("10.0", IDLE, "now", (0,)), LiveJob("9.0", IDLE, "now", (0,))]
    found = adopt(jobs, now, range(1), complete=[])
    assert (found.adopted, found.doubled) == ({"9.0": (0,)}, ["10.0"])


def test_jobs_for_other_branches_and_jobs_whose_outputs_are_there_are_left_alone() -> None:
    jobs = [LiveJob("7.0", RUNNING, "now", (5,)), LiveJob("7.1", RUNNING, "now", (0,))]
    found = adopt(jobs, now, range(2), complete=[0])
    assert (found.adopted, found.doubled, found.outdated, found.missing) == ({}, [], [], [1])


def test_a_job_for_more_branches_than_wanted_is_adopted_for_those_that_are() -> None:
    found = adopt([LiveJob("7.0", RUNNING, "now", (0, 1, 2, 3))], now, [1, 2, 9], complete=[1])
    assert (found.adopted, found.missing) == ({"7.0": (2,)}, [9])


LOG = """\
=== execute attempt 1
ERROR: luigi-interface - [pid 7] Worker failed
Traceback (most recent call last):
  File "worker.py", line 215, in run
    new_deps = self._run_get_new_deps()
  File "member.py", line 80, in run
    raise ValueError("12 jets without a flavour")
ValueError: 12 jets without a flavour
task exit code: 40
24/11/2026 10:33:59 (UTC)
=== end
job exit code : 60
"""


def test_the_last_lines_of_the_traceback_are_shown() -> None:
    assert reason_in_log(LOG) == [
        '  File "member.py", line 80, in run',
        '    raise ValueError("12 jets without a flavour")',
        "ValueError: 12 jets without a flavour",
    ]


def test_of_two_tracebacks_the_last_is_shown_and_messages_of_several_lines_are_whole() -> None:
    second = 'Traceback (most recent call last):\n  File "a.py", line 1\nRuntimeError: two\nlines\n\nmore'
    assert reason_in_log(LOG + second) == ['  File "a.py", line 1', "RuntimeError: two", "lines"]


def test_without_a_traceback_the_last_words_are_shown() -> None:
    assert reason_in_log("=== setup\nbootstrap file failed\n===\n\n") == ["bootstrap file failed"]


def test_the_text_before_a_failed_step_is_shown() -> None:
    text = (
        "--- bootstrap\ntar: no space left\nbootstrap file failed (exit code 2), stop job\n=== end\n"
        "start time : 1\njob exit code : 20\n"
    )
    assert reason_in_log(text) == ["tar: no space left", "bootstrap file failed (exit code 2), stop job"]


def test_a_traceback_that_was_cut_off_is_shown_as_far_as_it_goes() -> None:
    text = 'Traceback (most recent call last):\n  File "a.py", line 1\n    call()'
    assert reason_in_log(text) == ['  File "a.py", line 1', "    call()"]


def lines(site: HTCondor, factor: int = 1) -> dict[str, object]:
    return dict(submit_lines(site, "TrainDeepSF", factor))


def test_the_submit_file_asks_for_what_the_site_section_says_and_nothing_else() -> None:
    asked = lines(HTCondor(request_memory_mb=1500, max_runtime_hours=2.0), factor=2)
    assert (asked["request_cpus"], asked["request_memory"], asked["+MaxRuntime"]) == (1, "3000 MB", 7200)
    absent = {"request_gpus", "requirements", "accounting_group", "container_image", "x509userproxy", "+JobFlavour"}
    assert not absent & asked.keys()
    assert "getenv" not in asked


def test_a_task_has_its_own_requests_and_the_rest_from_the_section() -> None:
    site = HTCondor.model_validate(
        {"request_memory_mb": 1000, "tasks": {"TrainDeepSF": {"request_memory_mb": 4000, "request_gpus": 1}}}
    )
    assert (lines(site)["request_memory"], lines(site)["request_gpus"]) == ("4000 MB", 1)
    other = dict(submit_lines(site, "SkimNtuples", 1))
    assert other["request_memory"] == "1000 MB"
    assert "request_gpus" not in other


def test_the_shortest_run_time_class_that_suffices_is_asked_for() -> None:
    classes = {"espresso": 0.33, "workday": 8, "longlunch": 2, "tomorrow": 24}
    assert lines(HTCondor(max_runtime_hours=3.0, runtime_classes=classes))["+JobFlavour"] == '"workday"'
    with pytest.raises(ValueError, match=r"max_runtime_hours = 48 is longer than every class in runtime_classes"):
        HTCondor(max_runtime_hours=48.0, runtime_classes=classes)


def test_site_lines_and_credentials_reach_the_submit_file() -> None:
    site = HTCondor(
        universe="container",
        container_image="/images/deepsf.sif",
        accounting_group="group_btv",
        extra_classads={"WantOS": '"el9"'},
        extra_commands={"rank": "Memory"},
        credential=Credential(kind="proxy", file="/somewhere/proxy"),
    )
    asked = lines(site)
    assert asked["container_image"] == "/images/deepsf.sif"
    assert (asked["accounting_group"], asked["+WantOS"], asked["rank"]) == ("group_btv", '"el9"', "Memory")
    assert str(asked["x509userproxy"]) == "/somewhere/proxy"


def test_two_drivers_of_one_folder_the_second_is_refused_and_told_who_the_first_is(tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from tasks.framework.cluster import only_driver\n"
        "with only_driver(Path(sys.argv[1]), 'TrainDeepSF'): pass"
    )
    with cluster.only_driver(tmp_path / "htcondor", "TrainDeepSF"):
        second = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "htcondor"], capture_output=True, text=True, check=False
        )
    assert second.returncode != 0
    assert "another law process (process " in second.stderr
    assert "the same command adopts them" in second.stderr
    with cluster.only_driver(tmp_path / "htcondor", "TrainDeepSF"):  # free again
        pass


def test_a_missing_batch_system_is_named_with_the_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QueueError, match=r"there is no condor_q here; use --workflow local"):
        cluster.live_jobs("anything")


def test_a_scheduler_that_is_down_is_waited_for_and_then_given_up() -> None:
    said: list[str] = []
    answers = iter([QueueError("condor_q: no schedd"), QueueError("condor_q: no schedd"), "jobs"])

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, QueueError):
            raise answer
        return answer

    assert cluster.patiently(call, 60.0, 0.0, said.append) == "jobs"
    assert said == ["condor_q: no schedd; trying for 1 min"]

    def never() -> str:
        raise QueueError("condor_q: no schedd")

    with pytest.raises(QueueError, match="no schedd"):
        cluster.patiently(never, -1.0, 0.0, said.append)


def test_time_left_follows_the_pace_of_the_jobs_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, clock = cluster.Pace(), iter([100.0, 110.0, 130.0])
    monkeypatch.setattr(cluster.time, "monotonic", lambda: next(clock))
    assert pace.left_s(5, 20) is None
    assert pace.left_s(5, 20) is None
    assert pace.left_s(8, 17) == pytest.approx(30.0 / 3 * 17)
