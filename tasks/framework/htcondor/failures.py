"""Why jobs failed, in words: what law and HTCondor say, and the end of the job's own log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_STEP_FAILED = re.compile(r"(failed|not found) (\(exit code|with code) \d+")


class JobsFailedError(RuntimeError):
    """Jobs failed for good; the message names their branches, the reasons, and the way on."""


class Failure(NamedTuple):
    """Why a job failed: one line, and the lines of its log that say more."""

    why: str
    log_lines: list[str]


def failure(job: Mapping[str, Any], exit_code_words: Mapping[int, str], no_job_id: Any) -> Failure:
    """Return why a job of law's job data failed.

    Parameters
    ----------
    job
        Its entry, with ``job_id``, ``code``, ``error`` and ``extra``.
    exit_code_words
        What the exit codes of law's job script stand for.
    no_job_id
        The id that law gives to a job that HTCondor never had.
    """
    log, meaning = job["extra"].get("log"), exit_code_words.get(job["code"])
    # law's own words for an exit code say less than what it stands for
    error = "" if meaning and "exit code" in (job["error"] or "") else job["error"]
    words = [
        error,
        meaning or (f"exit code {job['code']}" if job["code"] else ""),
        f"job {job['job_id']}" if job["job_id"] != no_job_id else "",
        f"on {job['extra']['remote_host']}" if job["extra"].get("remote_host") else "",
    ]
    if not log or not Path(log).is_file():
        return Failure(", ".join(filter(None, words)), [])
    return Failure(
        ", ".join(filter(None, [*words, f"log {log}"])), reason_in_log(Path(log).read_text(errors="replace"))
    )


def reason_in_log(text: str, n_lines: int = 3) -> list[str]:
    """Return the last lines of the last traceback in a job's log; without one, those before the step that failed."""
    lines = [line.rstrip() for line in text.splitlines()]
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if starts:
        body = lines[starts[-1] + 1 :]
        end = next((i for i, line in enumerate(body) if line and not line.startswith(" ")), len(body) - 1)
        last = end + 1
        while last < len(body) and body[last].strip() and not body[last].startswith(("=", "-", "task exit code")):
            last += 1  # messages of several lines
        return [line for line in body[max(0, end - n_lines + 1) : min(last, end + 1 + 2 * n_lines)] if line.strip()]
    spoken = [line for line in lines if line.strip() and not re.match(r"[=\-]{3}", line)]
    # law names the step that failed, and goes on to list files and times
    step = next((i for i, line in enumerate(spoken) if _STEP_FAILED.search(line)), len(spoken) - 1)
    return spoken[max(0, step - n_lines + 1) : step + 1]
