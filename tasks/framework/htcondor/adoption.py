"""The start of a workflow on HTCondor: one driver per folder, which goes on with the jobs in the queue."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.framework.htcondor.queue import HELD, LiveJob


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


def is_driven(folder: Path) -> bool:
    """Return whether a process holds a folder's lock now."""
    try:
        with (folder / ".driver.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@dataclass
class Adoption:
    """The jobs in the queue that a workflow goes on with, those that it removes, and the branches that need a job."""

    adopted: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Branches that each job works for, by its id."""
    outdated: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    """Branches that no job works for."""


def adopt(
    jobs: Iterable[LiveJob], key_of: Callable[[Sequence[int]], str], branches: Iterable[int], complete: Iterable[int]
) -> Adoption:
    """Sort the jobs of a folder for a workflow with ``branches``, of which ``complete`` need no job.

    ``key_of`` returns the key that a job for some branches would get now; jobs with another one are outdated. A job
    that works for none of the wanted branches belongs to another selection of branches and is left alone.
    """
    adoption = Adoption()
    wanted = set(branches) - set(complete)
    for job in sorted(jobs, key=lambda job: [int(part) for part in job.job_id.split(".")]):
        works_for = tuple(branch for branch in job.branches if branch in wanted)
        if job.key != key_of(job.branches):
            adoption.outdated.append(job.job_id)
        elif job.status == HELD:
            adoption.held.append(job.job_id)
        elif works_for:
            adoption.adopted[job.job_id] = works_for
            wanted -= set(works_for)
        elif set(job.branches) & {branch for taken in adoption.adopted.values() for branch in taken}:
            adoption.doubled.append(job.job_id)
    adoption.missing = sorted(wanted)
    return adoption
