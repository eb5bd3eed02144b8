"""law's driver of jobs, with resubmission and messages as we need them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import law

from tasks.framework.htcondor.failures import JobsFailedError, failure
from tasks.framework.htcondor.queue import QueueError, live_jobs, remove_jobs, why_idle

law.contrib.load("htcondor")

_MEMORY = re.compile(r"\bmemory\b", re.IGNORECASE)


class Driver(law.htcondor.HTCondorWorkflow.workflow_proxy_cls):
    """Submits the jobs of a workflow, polls them, submits failed ones again, and says what went wrong.

    law makes one for each workflow ("proxy"). Its loop calls `submit` at the start and after each poll.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory_factors: dict[int, int] = {}
        self._reasons: dict[int, str] = {}
        self._idle_since: float | None = None

    # --- submission

    def submit(self, retry_jobs: Mapping[int, list[int]] | None = None) -> Any:
        """Submit jobs; ``retry_jobs`` has those that have just failed, as branches by number of the job."""
        self.task.check_credential()
        return super().submit(self.jobs_to_resubmit(retry_jobs or {}) or None)

    def jobs_to_resubmit(self, failed_jobs: Mapping[int, list[int]]) -> dict[int, list[int]]:
        """Return those of the jobs that have just failed which are submitted again; raise memory requests.

        A job is submitted again up to ``--retries`` times. law counts them, and marks a failed job as RETRY or FAILED;
        but law 0.1.21 hands both kinds to `submit`. A job that was short of memory asks for twice as much, up to
        ``htcondor.memory_factor_max`` times its first request.
        """
        resubmitted = {}
        for number, branches in failed_jobs.items():
            job = self.job_data.jobs[number]
            if job["status"] != self.job_manager.RETRY:
                continue
            resubmitted[number] = branches
            if _MEMORY.search(job["error"] or ""):
                self._memory_factors[number] = min(2 * self.memory_factor(number), self.task.memory_factor_max())
        return resubmitted

    def memory_factor(self, job_number: int) -> int:
        """Return by how much a job's memory request has grown."""
        return self._memory_factors.get(job_number, 1)

    def process_resources(self, force: bool = False) -> dict[str, int]:
        """Return none: law would look at the outputs to count them, and remember what it saw for the whole run.

        Only afterwards outputs come from the store, and jobs in the queue are adopted and numbered.
        """
        return {}

    def cancel(self) -> None:
        """Remove all jobs that work for this folder, whoever submitted them."""
        jobs = live_jobs(self.task.job_label())
        self.task.publish_message(f"removing {len(jobs)} jobs")
        remove_jobs(job.job_id for job in jobs)

    # --- what went wrong

    def _print_status_errors(self, failed_jobs: Mapping[int, Any]) -> None:
        """Say what happened to each job that has just failed, with the last lines of its traceback.

        This replaces a private method of law, the only one: law calls it in each poll, and has no hook in its place.
        """
        for n_shown, (number, job) in enumerate(failed_jobs.items()):
            if n_shown == self.show_errors:
                self.task.publish_message(f"... and {len(failed_jobs) - n_shown} more failed jobs")
                break
            why, log_lines = failure(job, self.job_error_messages, self.job_data.dummy_job_id)
            self._reasons[number] = why
            end = "is submitted again" if job["status"] == self.job_manager.RETRY else "has no retries left"
            line = law.util.colored(f"{self._names(job['branches'])} failed and {end}: {why}", "red")
            self.task.publish_message("\n".join([line, *(f"    {line}" for line in log_lines)]))

    @contextmanager
    def get_run_context(self) -> Iterator[None]:
        """Hold the workflow's context; if law's loop fails in it, say which jobs did, or go on if enough did not."""
        with super().get_run_context(), self._with_reasons():
            yield

    @contextmanager
    def _with_reasons(self) -> Iterator[None]:
        try:
            yield
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
            n_there, needed = self.output()["collection"].count(), self.task.branches_required()
            if n_there < needed:
                raise JobsFailedError(self._words(failed)) from None
            self.task.publish_message(f"{self._words(failed)}\ngoing on with {n_there} branches, as was asked for")

    def _words(self, failed_jobs: Mapping[int, Any]) -> str:
        branches = sorted(branch for job in failed_jobs.values() for branch in job["branches"])
        head = f"{self.task.task_family}: branches {', '.join(map(str, branches))} failed"
        reasons = [f"  {self._names(job['branches'])}: {self._reasons.get(n)}" for n, job in failed_jobs.items()]
        return "\n".join([f"{head}; the same command submits just these again", *reasons[: self.show_errors]])

    def _names(self, branches: Iterable[int]) -> str:
        numbers = ", ".join(map(str, branches))
        return f"{self.task.task_family} branch {numbers}" if "," not in numbers else f"branches {numbers}"

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
