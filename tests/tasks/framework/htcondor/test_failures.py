"""Why a job failed, in words: from law's entry for it, and from the end of its log."""

from __future__ import annotations

from tasks.framework.htcondor.failures import Failure, failure, reason_in_log

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


def test_of_two_tracebacks_the_last_is_shown_with_its_whole_message() -> None:
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


WORDS = {60: "task execution failed"}
NO_ID = "unknown"


def job(**values):
    return {"job_id": "7.0", "code": 0, "error": None, "extra": {}} | values


def test_a_failure_is_told_by_what_its_exit_code_stands_for_job_host_and_log(tmp_path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(LOG)
    failed = job(code=60, error="job exit code 60", extra={"log": str(log), "remote_host": "slot1@node"})
    why, lines = failure(failed, WORDS, NO_ID)
    assert why == f"task execution failed, job 7.0, on slot1@node, log {log}"
    assert lines[-1] == "ValueError: 12 jets without a flavour"


def test_what_the_batch_system_said_comes_first() -> None:
    assert failure(job(error="held: memory above request"), WORDS, NO_ID).why == "held: memory above request, job 7.0"


def test_an_exit_code_without_a_meaning_is_shown_as_it_is() -> None:
    assert failure(job(code=3), WORDS, NO_ID) == Failure("exit code 3, job 7.0", [])


def test_a_job_that_was_never_in_the_queue_has_no_id() -> None:
    failed = job(job_id=NO_ID, error="unknown job id", extra={"log": "/nowhere"})
    assert failure(failed, WORDS, NO_ID) == Failure("unknown job id", [])
