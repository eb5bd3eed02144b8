"""law's job manager, which speaks with HTCondor: it waits for a scheduler that is down, and removes held jobs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import law

from tasks.framework.htcondor.queue import HELD, QueueError, first_words, jobs_of_submission, patiently, remove_jobs

law.contrib.load("htcondor")

_TOKEN = re.compile(r'^MY\.DeepSFSubmission = "(\w+)"$', re.MULTILINE)


class Pace:
    """Time left, from the jobs that have ended since the first look."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def left_s(self, n_done: int, n_left: int) -> float | None:
        """Return the seconds that ``n_left`` more jobs will take, None until one has ended."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, n_done)
        since, before = self._first
        return (now - since) / (n_done - before) * n_left if n_done > before else None


class JobManager(law.htcondor.HTCondorJobManager):
    """Submits and queries jobs, with errors of one line."""

    def __init__(self, *args: Any, patience_s: float, interval_s: float, say: Callable[[str], Any], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._patience_s, self._interval_s, self._say = patience_s, interval_s, say
        self.n_held = 0
        self._pace = Pace()

    def submit(self, job_file: Any, job_files: Any = None, **kwargs: Any) -> Any:
        """Submit; try again while the scheduler does not answer, and submit nothing twice that it took after all."""
        kwargs["retries"] = 0
        token = _TOKEN.search(Path(job_file).read_text())

        def once() -> Any:
            try:
                return super(JobManager, self).submit(job_file, job_files=job_files, **kwargs)
            except Exception as error:
                words = str(error).split("failed:", 1)[-1]
                taken = [] if token is None else jobs_of_submission(token[1])
                if len(taken) == len(job_files or ()):
                    return taken
                remove_jobs(taken)
                raise QueueError(f"condor_submit: {first_words(words)}") from None

        return patiently(once, self._patience_s, self._interval_s, self._say)

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
        """Return the line of a poll: how many jobs are in each state, and how long the rest will take."""
        *_, idle, running, done, _retry, failed = counts
        total = sum(counts) if sum_counts is None else sum_counts
        line = f"{time.strftime('%H:%M:%S')}: {running} running, {idle} idle, {self.n_held} held, {done} done"
        line += f", {failed} failed of {total} jobs"
        waiting = total - idle - running - done - failed
        line += f", {waiting} to be submitted" if waiting else ""
        left = self._pace.left_s(done, total - done - failed) if done < total else None
        return line if left is None else f"{line}; about {int(left // 60)}:{int(left % 60):02d} min left"
