"""`CleanOutputs`: removes what no current task names."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import luigi
from rich.filesize import decimal

from tasks.framework import settings, store
from tasks.framework.base import ConfigTask
from tasks.framework.htcondor.adoption import is_driven
from tasks.framework.htcondor.queue import branches_of
from tasks.framework.provenance import manifest_path
from tasks.framework.registry import Report, task_classes
from tasks.framework.targets import leaves
from tasks.framework.workflows import Workflow
from tasks.status import units

_PART = re.compile(r"\.part-|\..*\.part(-|$)")
_MANIFEST = re.compile(r"\..+\.manifest\.json")
_LOG = re.compile(r"submission(\d+)(_[\d_-]+)\.txt")


class LeftOver(NamedTuple):
    """A file that nothing needs."""

    path: Path
    why: str


class CleanOutputs(Report):
    """Removes below ``<data>/<version>/<config>`` what no current task names, and snapshots that no job waits for.

    ``law run CleanOutputs --version v1 [--config NAME]`` shows what would go, ``... --dry-run False`` removes it. The
    store of replaced outputs goes only with ``--store``. Outputs of current tasks stay, up to date or not; so do the
    logs of last attempts, and checkpoints that a task can go on from.
    """

    dry_run = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="False: remove; otherwise only show"
    )
    store = luigi.BoolParameter(default=False, description="the store of replaced outputs too")

    def run(self) -> None:
        claimed = settings.is_claimed(str(self.version), self.config)
        left_overs = sorted(self._left_overs()) if claimed else []
        sizes = [left.path.lstat().st_size for left in left_overs]
        for left, size in zip(left_overs, sizes, strict=True):
            print(f"{decimal(size):>10}  {left.path.relative_to(settings.data())}  ({left.why})")
            if not self.dry_run:
                _remove(left.path, self._root())
        end = "nothing is removed yet, --dry-run False does that" if self.dry_run else "removed"
        print(f"{len(left_overs)} files, {decimal(sum(sizes))}: {end}" if left_overs else "nothing is left over")
        self.ran = True

    def _root(self) -> Path:
        return self.folder().parent

    def _left_overs(self) -> Iterator[LeftOver]:
        classes = task_classes()
        for place in sorted(self._root().iterdir()):
            if place.is_symlink():  # to another disk: outside of what is ours to clean
                continue
            if place.name == store.NAME:
                yield from _all_below(place, "replaced output") if self.store else ()
            elif place.name in classes:
                yield from self._of_task(classes[place.name], place)
            elif place.name.startswith("."):
                continue
            elif next(place.rglob(settings.CLAIM), None) is not None:
                print(f"{place.name} is left alone: it holds outputs of another configuration")
            else:
                yield from _all_below(place, "of no task")
        yield from _snapshots(self._root())

    def _of_task(self, cls: type[ConfigTask], folder: Path) -> Iterator[LeftOver]:
        if is_driven(folder / "htcondor"):
            print(f"{folder.name} is left alone: a law process drives its jobs")
            return
        try:
            task = cls.req(self)
            parts = units(task)
            named = {target.file for part in parts for target in leaves(part.output())}
        except Exception as error:  # a campaign without that task: many ways to say so
            print(f"{folder.name} is left alone: with this configuration it cannot say what it makes ({error})")
            return
        named |= {manifest_path(path) for path in named} | {part.record_file() for part in parts}
        attempts = {path: part for part in parts for path in part.kept_between_attempts()}
        for path in _files(folder, hidden=False):
            if path not in named and (why := _why_left_over(path, attempts)) is not None:
                yield LeftOver(path, why)
        if isinstance(task, Workflow):
            yield from _of_jobs(task, folder / "htcondor")


def _why_left_over(path: Path, attempts: dict[Path, ConfigTask]) -> str | None:
    """Return why a file in the folder of a task that does not name it is left over; None if it may be in use."""
    task = attempts.get(path.with_name(path.name.removesuffix(".part")))
    if task is not None:
        return "state of a finished attempt" if task.complete() else None
    if _PART.match(path.name):
        return "left by a killed process" if time.time() - path.lstat().st_mtime > store.ABANDONED_S else None
    if path.parent.name == ".resources":
        return "cost of a branch that is no more"
    if path.name.startswith(".checkpoint_"):
        return "state of a branch that is no more"
    if _MANIFEST.fullmatch(path.name):
        return "manifest of what no task makes now"
    return None if path.name.startswith(".") else "no task makes it now"


# --- jobs


def _of_jobs(workflow: Workflow, folder: Path) -> Iterator[LeftOver]:
    """Yield records of jobs but that of all branches, and logs but those of the last attempt of each branch."""
    if not folder.is_dir():
        return
    for path in folder.glob("htcondor_jobs_*.json"):
        if path.stem != f"htcondor_jobs_{workflow.control_output_postfix()}":
            yield LeftOver(path, "jobs of another selection of branches")
    logs = [(int(name[1]), name[2], path) for path in folder.iterdir() if (name := _LOG.fullmatch(path.name))]
    last: dict[int, Path] = {}
    for _, branches, path in sorted(logs):
        last |= dict.fromkeys(branches_of(branches), path)
    keep = {path for branch, path in last.items() if branch in workflow.branch_map}
    for _, _, path in logs:
        if path not in keep:
            yield LeftOver(path, "log of an earlier attempt")


def _snapshots(root: Path) -> Iterator[LeftOver]:
    """Yield configurations that jobs were submitted with, unless jobs of any version may still read one."""
    name = re.compile(rf"{re.escape(root.name)}-[0-9a-f]{{24}}\.json")
    folders = list(settings.data().glob(f"*/{root.name}/*/htcondor"))
    records = (record for folder in folders for record in folder.glob("htcondor_jobs_*.json"))
    if any(is_driven(folder) for folder in folders) or any(_has_unfinished(record) for record in records):
        return
    for path in (settings.data() / ".configs").glob("*.json"):
        if name.fullmatch(path.name):
            yield LeftOver(path, "configuration of jobs that ended")


def _has_unfinished(record: Path) -> bool:
    try:
        jobs = json.loads(record.read_text())["jobs"].values()
        return any(job["status"] not in ("finished", "failed") for job in jobs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True


# --- files


def _all_below(place: Path, why: str) -> Iterator[LeftOver]:
    files = _files(place, hidden=True) if place.is_dir() else [place]
    yield from (LeftOver(path, why) for path in files)


def _files(folder: Path, *, hidden: bool) -> Iterator[Path]:
    """Yield the files below a folder; folders behind links, and hidden ones but for records of costs, on request."""
    for here, folders, names in os.walk(folder):
        if not hidden:
            folders[:] = [name for name in folders if not name.startswith(".") or name == ".resources"]
            folders[:] = [name for name in folders if (Path(here), name) != (folder, "htcondor")]
        yield from (Path(here) / name for name in names)


def _remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders that are empty then."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if not folder.is_relative_to(root) or folder == root:
            return
        try:
            folder.rmdir()
        except OSError:  # not empty
            return
