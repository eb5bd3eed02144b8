"""Questions to the queue: jobs of a folder, a scheduler that does not answer, branches as words."""

from __future__ import annotations

import pytest

from tasks.framework.htcondor import queue
from tasks.framework.htcondor.queue import LiveJob, QueueError, branches_of, branches_text


@pytest.mark.parametrize(
    ("branches", "text"),
    [((4,), "_4"), ((0, 1, 2, 3), "_0-3"), ((0, 1, 2, 7), "_0-2_7"), ((3, 5, 6, 10), "_3_5-6_10")],
)
def test_branches_are_written_short_and_read_back(branches: tuple[int, ...], text: str) -> None:
    assert branches_text(branches) == text
    assert branches_of(text) == branches


def test_a_missing_batch_system_is_named_with_the_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QueueError, match=r"there is no condor_q here; use --workflow local"):
        queue.live_jobs("anything")


def test_a_scheduler_that_is_down_is_waited_for_and_then_given_up() -> None:
    said: list[str] = []
    answers = iter([QueueError("condor_q: no schedd"), QueueError("condor_q: no schedd"), "jobs"])

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, QueueError):
            raise answer
        return answer

    assert queue.patiently(call, 60.0, 0.0, said.append) == "jobs"
    assert said == ["condor_q: no schedd; trying for 1 min"]

    def never() -> str:
        raise QueueError("condor_q: no schedd")

    with pytest.raises(QueueError, match="no schedd"):
        queue.patiently(never, -1.0, 0.0, said.append)


# --- a condor_q that answers as it is told


def test_the_jobs_of_a_folder_have_status_key_and_branches(condor) -> None:
    called = condor("condor_q", "7 0 2 abc _0\n7 1 1 abc _1-3\n\n")
    assert queue.live_jobs('/data/"x"') == [LiveJob("7.0", 2, "abc", (0,)), LiveJob("7.1", 1, "abc", (1, 2, 3))]
    assert 'DeepSFTask =?= "/data/\\"x\\"" && JobStatus =!= 3 && JobStatus =!= 4' in called.read_text().splitlines()


def test_jobs_of_a_submission_come_in_the_order_of_its_file(condor) -> None:
    condor("condor_q", "7 10\n7 2\n7 0\n")
    assert queue.jobs_of_submission("token") == ["7.0", "7.2", "7.10"]


def test_a_command_that_fails_is_an_error_with_its_first_line_that_says_something(condor) -> None:
    condor("condor_q", "\n-- \nFailed to connect to schedd\nmore\n", status=1)
    with pytest.raises(QueueError, match=r"^condor_q: Failed to connect to schedd$"):
        queue.live_jobs("anything")


def test_jobs_are_removed_by_their_ids_and_without_any_nothing_is_asked(condor) -> None:
    called = condor("condor_rm", "")
    queue.remove_jobs([])
    assert not called.exists()
    queue.remove_jobs(["7.0", "8.12"])
    assert called.read_text().splitlines()[1] == ("(ClusterId == 7 && ProcId == 0) || (ClusterId == 8 && ProcId == 12)")


def test_the_pool_says_why_a_job_is_idle_from_where_its_analysis_begins(condor) -> None:
    condor("condor_q", "-- Schedd\nlong\n\n007.000:  Run analysis summary.  Of 2 slots,\n  2 are rejected\n")
    assert queue.why_idle("7.0") == "007.000:  Run analysis summary.  Of 2 slots,\n  2 are rejected"
    condor("condor_q", "".join(f"line {n}\n" for n in range(12)))
    assert queue.why_idle("7.0").splitlines() == [f"line {n}" for n in range(4, 12)]
    condor("condor_q", "no schedd", status=1)
    assert queue.why_idle("7.0") == "the pool does not say why: condor_q: no schedd"
