"""The batch system's queue: our jobs in it, and what to do while it does not answer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

HELD, REMOVED, COMPLETED = 5, 3, 4
Result = TypeVar("Result")


class QueueError(RuntimeError):
    """The batch system does not answer; the message is the last that it said."""


class LiveJob(NamedTuple):
    """A job in the queue that works for one of our folders."""

    job_id: str
    status: int
    key: str
    branches: tuple[int, ...]


def ask(command: list[str]) -> str:
    """Return what a command of HTCondor prints.

    Raises
    ------
    QueueError
        If there is no such command, or it fails: an empty answer of a scheduler that is down means nothing.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError:
        raise QueueError(
            f"there is no {command[0]} here; use --workflow local, or run this where jobs can be submitted "
            "(for a pool of one's own see scripts/htcondor/)"
        ) from None
    except subprocess.TimeoutExpired:
        raise QueueError(f"{command[0]} did not answer in 120 s") from None
    if done.returncode != 0:
        raise QueueError(f"{command[0]}: {first_words(done.stderr or done.stdout)}")
    return done.stdout


def first_words(text: str) -> str:
    """Return the first line of an error that says something: HTCondor prints pages."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" -\t")]
    return lines[0][:200] if lines else "no message"


def patiently(call: Callable[[], Result], patience_s: float, interval_s: float, say: Callable[[str], Any]) -> Result:
    """Return what ``call`` returns; while the batch system does not answer, call it again every ``interval_s``.

    Raises
    ------
    QueueError
        If it did not answer for ``patience_s``, or has no commands on this machine.
    """
    start = time.monotonic()
    said = False
    while True:
        try:
            return call()
        except QueueError as error:
            if "there is no" in str(error) or not time.monotonic() - start <= patience_s:
                raise
            if not said:
                say(f"{error}; trying for {patience_s / 60:.0f} min")
                said = True
            time.sleep(interval_s)


# --- our jobs


def live_jobs(label: str) -> list[LiveJob]:
    """Return all jobs in the queue that work for the folder ``label`` and have not ended."""
    constraint = f"DeepSFTask =?= {quoted(label)} && JobStatus =!= {REMOVED} && JobStatus =!= {COMPLETED}"
    ads = ("ClusterId", "ProcId", "JobStatus", "DeepSFKey", "DeepSFBranches")
    answer = ask(["condor_q", "-constraint", constraint, "-af", *ads])
    return [_live_job(*line.split()) for line in answer.splitlines() if line.strip()]


def _live_job(cluster: str, process: str, status: str, key: str, branches: str) -> LiveJob:
    return LiveJob(f"{cluster}.{process}", int(status), key, branches_of(branches))


def jobs_of_submission(token: str) -> list[str]:
    """Return the ids of the jobs that one ``condor_submit`` put into the queue, in the order of its submit file."""
    answer = ask(["condor_q", "-constraint", f'DeepSFSubmission =?= "{token}"', "-af", "ClusterId", "ProcId"])
    ids = (line.split() for line in answer.splitlines() if line.strip())
    return [f"{cluster}.{process}" for cluster, process in sorted(ids, key=lambda pair: int(pair[1]))]


def remove_jobs(job_ids: Iterable[str]) -> None:
    """Remove jobs from the queue; those that have ended meanwhile do not matter."""
    job_ids = list(job_ids)
    if job_ids:
        constraint = " || ".join(f"(ClusterId == {c} && ProcId == {p})" for c, p in (i.split(".") for i in job_ids))
        ask(["condor_rm", "-constraint", constraint])


def why_idle(job_id: str) -> str:
    """Return what the pool says about a job that does not start."""
    try:
        answer = ask(["condor_q", "-better-analyze", job_id])
    except QueueError as error:
        return f"the pool does not say why: {error}"
    lines = [line.rstrip() for line in answer.splitlines() if line.strip()]
    heads = ("Run analysis summary", "requirements expression reduces")
    first = next((i for i, line in enumerate(lines) if any(head in line for head in heads)), None)
    return "\n".join(lines[-8:] if first is None else lines[first:][:14])


# --- words of the class-ad language


def branches_text(branches: Iterable[int]) -> str:
    """Return branch numbers as a short word: ``_0-3_7``."""
    runs: list[list[int]] = []
    for branch in sorted(branches):
        if runs and branch == runs[-1][-1] + 1:
            runs[-1].append(branch)
        else:
            runs.append([branch])
    return "".join(f"_{run[0]}" if len(run) == 1 else f"_{run[0]}-{run[-1]}" for run in runs)


def branches_of(text: str) -> tuple[int, ...]:
    """Return the branch numbers of `branches_text`."""
    ends = (part.split("-") for part in text.split("_") if part)
    return tuple(branch for end in ends for branch in range(int(end[0]), int(end[-1]) + 1))


def quoted(text: str) -> str:
    """Return a string of the class-ad language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
