"""HTCondor as this project needs it: the queue is the truth, whatever fails is tried again, nothing runs twice.

law keeps a file with the ids of its jobs; it is written after the submission, once for each selection of branches, and
knows nothing about jobs of an earlier configuration. So every job carries class ads that say which output folder, which
configuration and which branches it works for, and each start of a workflow asks the queue (`adopt`).
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import law

from deepsf.config.htcondor import HTCondor
from tasks.framework.credentials import credential_file

law.contrib.load("htcondor")

HELD, REMOVED, COMPLETED = 5, 3, 4
_MEMORY = re.compile(r"\bmemory\b", re.IGNORECASE)
_STEP_FAILED = re.compile(r"(failed|not found) (\(exit code|with code) \d+")
_TOKEN = re.compile(r'^MY\.DeepSFSubmission = "(\w+)"$', re.MULTILINE)
Result = TypeVar("Result")


class QueueError(RuntimeError):
    """The batch system does not answer; what it said last."""


class JobsFailedError(RuntimeError):
    """Jobs failed for good; the message names their branches, the reasons, and the way on."""


class LiveJob(NamedTuple):
    """A job in the queue that works for one of our folders."""

    job_id: str
    status: int
    key: str
    branches: tuple[int, ...]


# --- the queue


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
    """Return what ``call`` returns, asked again while the batch system does not answer.

    Raises
    ------
    QueueError
        If it did not answer for ``patience_s``; or has no commands here at all.
    """
    start = time.monotonic()
    said = False
    while True:
        try:
            return call()
        except QueueError as error:
            if "there is no" in str(error) or time.monotonic() - start > patience_s:
                raise
            if not said:
                say(f"{error}; trying for {patience_s / 60:.0f} min")
                said = True
            time.sleep(interval_s)


def live_jobs(label: str) -> list[LiveJob]:
    """Return all jobs in the queue that work for the folder ``label`` and have not ended."""
    constraint = f"DeepSFTask =?= {quoted(label)} && JobStatus =!= {REMOVED} && JobStatus =!= {COMPLETED}"
    ads = ("ClusterId", "ProcId", "JobStatus", "DeepSFKey", "DeepSFBranches")
    answer = ask(["condor_q", "-constraint", constraint, "-af", *ads])
    return [_live_job(*line.split()) for line in answer.splitlines() if line.strip()]


def _live_job(cluster: str, process: str, status: str, key: str, branches: str) -> LiveJob:
    return LiveJob(f"{cluster}.{process}", int(status), key, branches_of(branches))


def remove_jobs(job_ids: Iterable[str]) -> None:
    """Remove jobs from the queue; those that ended meanwhile are none."""
    job_ids = list(job_ids)
    if job_ids:
        constraint = " || ".join(f"(ClusterId == {c} && ProcId == {p})" for c, p in (i.split(".") for i in job_ids))
        ask(["condor_rm", "-constraint", constraint])


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


# --- one driver, and the jobs it finds


@contextmanager
def only_driver(folder: Path, name: str) -> Iterator[None]:
    """Hold a folder's lock: two drivers would submit the same jobs.

    Raises
    ------
    RuntimeError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".driver.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RuntimeError(
                f"{name}: another law process ({lock.read().strip() or 'unknown'}) drives the jobs of {folder.parent}; "
                "wait for it or stop it: its jobs go on, and the same command adopts them"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {os.uname().nodename}")
        lock.flush()
        yield


@dataclass
class Adoption:
    """What a start of a workflow found in the queue: jobs to go on with, to remove, and branches to submit."""

    adopted: dict[str, tuple[int, ...]] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def adopt(
    jobs: Iterable[LiveJob], key_of: Callable[[Sequence[int]], str], branches: Iterable[int], complete: Iterable[int]
) -> Adoption:
    """Sort the jobs of a folder for a workflow with ``branches``, of which ``complete`` need no job.

    ``key_of`` returns the key that a job for some branches would get now; jobs with another one are outdated. A job
    that works for none of the wanted branches belongs to another selection of branches and is left alone. What no job
    works for is missing.
    """
    found = Adoption()
    wanted = set(branches) - set(complete)
    for job in sorted(jobs, key=lambda job: [int(part) for part in job.job_id.split(".")]):
        mine = tuple(branch for branch in job.branches if branch in wanted)
        if job.key != key_of(job.branches):
            found.outdated.append(job.job_id)
        elif job.status == HELD:
            found.held.append(job.job_id)
        elif mine:
            found.adopted[job.job_id] = mine
            wanted -= set(mine)
        elif set(job.branches) & {branch for taken in found.adopted.values() for branch in taken}:
            found.doubled.append(job.job_id)
    found.missing = sorted(wanted)
    return found


# --- what happened to a job


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


class Pace:
    """Time left, from the branches that ended since the start."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def left_s(self, n_done: int, n_left: int) -> float | None:
        """Return the seconds that ``n_left`` further jobs will take, None until one ended."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, n_done)
        since, before = self._first
        return (now - since) / (n_done - before) * n_left if n_done > before else None


class JobManager(law.htcondor.HTCondorJobManager):
    """law's job manager; held jobs leave the queue, a scheduler that is down is waited for, errors are one line."""

    def __init__(self, *args: Any, patience_s: float, interval_s: float, say: Callable[[str], Any], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._patience_s, self._interval_s, self._say = patience_s, interval_s, say
        self.n_held = 0
        self._pace = Pace()

    def submit(self, job_file: Any, job_files: Any = None, **kwargs: Any) -> Any:
        """Submit; while the scheduler does not answer, try again, and never submit twice what it did take."""
        kwargs["retries"] = 0
        token = _TOKEN.search(Path(job_file).read_text())

        def once() -> Any:
            try:
                return super(JobManager, self).submit(job_file, job_files=job_files, **kwargs)
            except Exception as error:
                words = str(error).split("failed:", 1)[-1]
                taken = [] if token is None else self._taken(token[1])
                if len(taken) == len(job_files or ()):
                    return taken
                remove_jobs(taken)
                raise QueueError(f"condor_submit: {first_words(words)}") from None

        return patiently(once, self._patience_s, self._interval_s, self._say)

    def _taken(self, token: str) -> list[str]:
        ads = ("ClusterId", "ProcId")
        answer = ask(["condor_q", "-constraint", f'DeepSFSubmission =?= "{token}"', "-af", *ads])
        ids = (line.split() for line in answer.splitlines() if line.strip())
        return [f"{cluster}.{process}" for cluster, process in sorted(ids, key=lambda pair: int(pair[1]))]

    def query(self, job_id: Any, **kwargs: Any) -> Any:
        """Return states; held jobs count as failed, and are removed so that a later release cannot run them twice."""
        try:
            states = super().query(job_id, **kwargs)
        except Exception as error:
            raise QueueError(first_words(str(error).split(":\n", 1)[-1])) from None
        many = states if isinstance(job_id, list | tuple) else {job_id: states}
        held = [name for name, state in many.items() if (state["extra"] or {}).get("held")]
        self.n_held = len(held)
        if held:
            remove_jobs(held)
        return states

    @classmethod
    def parse_long_output(cls, out: str) -> Any:
        """Parse class ads; remember which jobs are held."""
        states = super().parse_long_output(out)
        for block in out.strip().split("\n\n"):
            ads = dict(cls.long_block_cre.findall(block + "\n"))
            job_id = f"{ads.get('ClusterId')}.{ads.get('ProcId')}"
            if ads.get("JobStatus") == str(HELD) and job_id in states:
                states[job_id]["extra"] = {**(states[job_id]["extra"] or {}), "held": True}
        return states

    def status_line(self, counts: Any, *_: Any, sum_counts: int | None = None, **__: Any) -> str:
        """Return the line of a poll: how many jobs are where, and how long the rest will take."""
        *_, idle, running, done, _retry, failed = counts
        total = sum(counts) if sum_counts is None else sum_counts
        line = f"{time.strftime('%H:%M:%S')}: {running} running, {idle} idle, {self.n_held} held, {done} done"
        line += f", {failed} failed of {total} jobs"
        waiting = total - idle - running - done - failed
        line += f", {waiting} to be submitted" if waiting else ""
        left = self._pace.left_s(done, total - done - failed) if done < total else None
        return line if left is None else f"{line}; about {int(left // 60)}:{int(left % 60):02d} min left"


class Proxy(law.htcondor.HTCondorWorkflow.workflow_proxy_cls):
    """law's driver of jobs, with memory that grows where it was short, and words that say what went wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory: dict[int, int] = {}
        self._why: dict[int, str] = {}
        self._idle_since: float | None = None

    def memory_factor(self, job_num: int) -> int:
        """Return by how much a job's memory request has grown."""
        return self._memory.get(job_num, 1)

    def submit(self, retry_jobs: Mapping[int, list[int]] | None = None) -> Any:
        """Submit jobs; of the failed ones only those that have retries left, which law 0.1.21 does not look at."""
        again = {}
        for number, branches in (retry_jobs or {}).items():
            job = self.job_data.jobs[number]
            if job["status"] != self.job_manager.RETRY:
                continue
            again[number] = branches
            if _MEMORY.search(job["error"] or ""):
                self._memory[number] = min(2 * self.memory_factor(number), self.task.memory_factor_max())
        self.task.check_credential()
        return super().submit(again or None)

    def _submit_group(self, submit_jobs: Mapping[int, list[int]], **kwargs: Any) -> Any:
        """Submit jobs in groups of equal memory: a submit file has one request."""
        ids: dict[int, Any] = {}
        data: dict[int, Any] = {}
        for _, group in groupby(sorted(submit_jobs, key=self.memory_factor), self.memory_factor):
            jobs = OrderedDict((number, submit_jobs[number]) for number in group)
            job_ids, job_data = super()._submit_group(jobs, **kwargs)
            ids |= dict(zip(jobs, job_ids, strict=True))
            data |= job_data
        return [ids[number] for number in submit_jobs], OrderedDict((number, data[number]) for number in submit_jobs)

    def cancel(self) -> None:
        """Remove all jobs that work for this folder, whoever submitted them."""
        jobs = live_jobs(self.task.job_label())
        self.task.publish_message(f"removing {len(jobs)} jobs")
        remove_jobs(job.job_id for job in jobs)

    def _print_status_errors(self, failed_jobs: Mapping[int, Any]) -> None:
        """Say of each failed job what happened, with the last lines of its traceback."""
        for shown, (number, job) in enumerate(failed_jobs.items()):
            if shown == self.show_errors:
                self.task.publish_message(f"... and {len(failed_jobs) - shown} more failed jobs")
                break
            self._why[number], lines = self._failure(number, job)
            end = "is submitted again" if job["status"] == self.job_manager.RETRY else "has no retries left"
            text = f"{self._names(job['branches'])} failed and {end}: {self._why[number]}"
            self.task.publish_message("\n".join([law.util.colored(text, "red"), *(f"    {line}" for line in lines)]))

    def _failure(self, number: int, job: Mapping[str, Any]) -> tuple[str, list[str]]:
        log = job["extra"].get("log")
        known = self.job_error_messages.get(job["code"])
        # law's own words for an exit code say less than what it stands for
        said = "" if known and "exit code" in (job["error"] or "") else job["error"]
        words = [said or "", known or (f"exit code {job['code']}" if job["code"] else "")]
        words += [f"job {job['job_id']}" if job["job_id"] != self.job_data.dummy_job_id else ""]
        words += [f"on {job['extra']['remote_host']}" if job["extra"].get("remote_host") else ""]
        if not log or not Path(log).is_file():
            return ", ".join(filter(None, words)), []
        lines = reason_in_log(Path(log).read_text(errors="replace"))
        return ", ".join(filter(None, [*words, f"log {log}"])), lines

    def _names(self, branches: Iterable[int]) -> str:
        numbers = ", ".join(map(str, branches))
        return f"{self.task.task_family} branch {numbers}" if "," not in numbers else f"branches {numbers}"

    def _run_impl(self) -> Any:
        """Run law's loop; if it ends without all outputs, say what failed, or go on with as many as were asked for."""
        # both were filled before jobs were numbered anew, and before outputs came from the store
        self._skip_jobs.clear()
        self._existing_branches = None
        try:
            return super()._run_impl()
        except QueueError:
            raise
        except Exception as error:
            if "poll_fails" in str(error):
                raise QueueError(
                    "the batch system does not answer; jobs go on, and the same command adopts them"
                ) from None
            failed = {n: job for n, job in self.job_data.jobs.items() if job["status"] == self.job_manager.FAILED}
            if not failed:
                raise
            there, needed = len(self._get_existing_branches(sync=True)), self.task.branches_required()
            if there < needed:
                raise JobsFailedError(self._failed_words(failed)) from None
            self.task.publish_message(f"{self._failed_words(failed)}\ngoing on with {there} branches, as was asked for")

    def _failed_words(self, failed: Mapping[int, Any]) -> str:
        branches = sorted(branch for job in failed.values() for branch in job["branches"])
        head = f"{self.task.task_family}: branches {', '.join(map(str, branches))} failed"
        reasons = [f"  {self._names(job['branches'])}: {self._why.get(number)}" for number, job in failed.items()]
        return "\n".join([f"{head}; the same command submits just these again", *reasons[: self.show_errors]])

    def explain_idle(self, after_s: float) -> str | None:
        """Return why jobs stay idle, once in ``after_s`` and only if none runs; None if there is nothing to say."""
        now = time.monotonic()
        states = [job["status"] for job in self.job_data.jobs.values()]
        if self.job_manager.RUNNING in states or self.job_manager.PENDING not in states:
            self._idle_since = None
            return None
        if self._idle_since is None:
            self._idle_since = now
        if now - self._idle_since < after_s:
            return None
        self._idle_since = now
        pending = (job for job in self.job_data.jobs.values() if job["status"] == self.job_manager.PENDING)
        return why_idle(next(pending)["job_id"])


def why_idle(job_id: str) -> str:
    """Return what the pool says about a job that does not start."""
    try:
        answer = ask(["condor_q", "-better-analyze", job_id])
    except QueueError as error:
        return f"the pool does not say why: {error}"
    lines = [line.rstrip() for line in answer.splitlines() if line.strip()]
    told = [
        i for i, line in enumerate(lines) if "Run analysis summary" in line or "requirements expression reduces" in line
    ]
    return "\n".join(lines[told[0] :][:14]) if told else "\n".join(lines[-8:])


# --- the submit file


def choice(values: Sequence[str]) -> str:
    """Return a string of the class-ad language that differs from job to job of a submission."""
    return quoted(values[0] if len(set(values)) == 1 else f"$CHOICE(Process,{','.join(values)})")


def submit_lines(site: HTCondor, task: str, memory_factor: int) -> list[tuple[str, Any]]:
    """Return the lines of a submit file that the site's section of the configuration asks for."""
    asked = site.resources(task)
    hours = asked.max_runtime_hours or site.max_runtime_hours
    runtime_class = site.runtime_class(hours)
    lines = [
        ("request_cpus", asked.request_cpus),
        ("request_memory", f"{(asked.request_memory_mb or 0) * memory_factor} MB"),
        ("request_disk", f"{asked.request_disk_mb} MB"),
        ("request_gpus", asked.request_gpus or ""),
        ("+MaxRuntime", int(hours * 3600)),
        (f"+{site.runtime_class_attribute}", quoted(runtime_class) if runtime_class else ""),
        ("requirements", site.requirements),
        ("accounting_group", site.accounting_group),
        ("accounting_group_user", site.accounting_group_user),
        ("container_image", site.container_image),
        *_credential_lines(site),
        *_hold_lines(int(hours * 3600)),
        *((f"+{name}", value) for name, value in site.extra_classads.items()),
        *site.extra_commands.items(),
    ]
    return [(key, value) for key, value in lines if value not in ("", None)]


def _credential_lines(site: HTCondor) -> list[tuple[str, Any]]:
    if site.credential is None:
        return []
    if site.credential.kind == "proxy":
        return [("x509userproxy", credential_file(site.credential))]
    return [("MY.SendCredential", "True")]


def _hold_lines(runtime_s: int) -> list[tuple[str, Any]]:
    """Return lines that hold a job above its requests: few sites enforce them, and the reason shall have a name."""
    memory = "(MemoryUsage =!= undefined && MemoryUsage > RequestMemory)"
    proxy = "(x509UserProxyExpiration =!= undefined && time() > x509UserProxyExpiration)"
    runtime = f"(JobCurrentStartDate =!= undefined && time() - JobCurrentStartDate > {runtime_s})"
    above = 'strcat("memory ", MemoryUsage, " MB above request ", RequestMemory, " MB")'
    late = f'"ran longer than max_runtime_hours ({runtime_s} s)"'
    return [
        ("periodic_hold", f"JobStatus == 2 && ({memory} || {proxy} || {runtime})"),
        (
            "periodic_hold_reason",
            f'ifThenElse({memory}, {above}, ifThenElse({proxy}, "the proxy of the job has expired", {late}))',
        ),
        ("periodic_hold_subcode", 102),
    ]
