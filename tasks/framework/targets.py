"""Targets that exist only if they are up to date, and writing that leaves nothing half-written."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import law

from deepsf.reading import read_json
from tasks.framework.provenance import content_of, full_disk_named, manifest_path, sync_folder


class Sealed(Protocol):
    """A task as targets and store see it: it knows what its outputs are made from (`ConfigTask` does)."""

    task_family: str
    keeps_replaced: bool

    def folder(self) -> Path: ...
    def output(self) -> Any: ...
    def inputs_now(self) -> dict[str, Any]: ...
    def why_stale(self, target: ProvenanceTarget) -> str | None: ...
    def publish_message(self, message: str) -> Any: ...


@dataclass
class Question:
    """What was found out while one question is answered: each output and each task is looked at once.

    Without it, a graph that is stale at its root would be walked along every path. Negative verdicts are forgotten with
    the question: forked workers would inherit them, and see another worker's output too late.
    """

    whys: dict[str, str | None] = field(default_factory=dict)
    contents: dict[str, str | None] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def forget(self) -> None:
        """Forget all answers."""
        for known in (self.whys, self.contents, self.inputs):
            known.clear()


class ProvenanceTarget(law.LocalFileTarget):
    """A file that counts as existing only if its manifest names the inputs that it would get now.

    law decides by targets what is complete (workflows, collections, the submission of jobs, ``--print-status``), so the
    check lives here and not in ``Task.complete``.
    """

    _fresh: ClassVar[dict[str, float]] = {}
    _question: ClassVar[Question | None] = None
    memo_seconds = 2.0
    """A positive verdict holds this long: one pass of the scheduler asks for the same target thousands of times."""

    def __init__(self, path: str | Path, task: Sealed, **kwargs: Any) -> None:
        super().__init__(str(path), **kwargs)
        self.task = task

    @functools.cached_property
    def file(self) -> Path:
        """The path."""
        return Path(self.abspath)

    def read_json(self, build: Callable[[str], Any] | None = None) -> Any:
        """Return what ``build`` makes of the file's text, by default its content as JSON; errors name the file."""
        return read_json(self.file, build)

    @functools.cached_property
    def place(self) -> str:
        """The path as text; law works out its ``abspath`` anew each time."""
        return str(self.file)

    def is_written(self) -> bool:
        """Return whether there is a file at all, up to date or not."""
        return self.file.is_file()

    def exists(self, **kwargs: Any) -> bool:
        """Return whether the file is there and up to date."""
        since = self._fresh.get(self.place)
        if since is not None and time.monotonic() - since < self.memo_seconds:
            return True
        return self.is_written() and self.why_stale() is None

    def why_stale(self) -> str | None:
        """Return in words why the written file is not up to date, None if it is."""
        with self.one_question() as question:
            if self.place not in question.whys:
                question.whys[self.place] = self.task.why_stale(self)
            why = question.whys[self.place]
        if why is None:
            self._fresh[self.place] = time.monotonic()
        return why

    @classmethod
    @contextmanager
    def one_question(cls) -> Iterator[Question]:
        """Remember all that is found out in this context; a question within a question is the same question."""
        if cls._question is not None:
            yield cls._question
            return
        cls._question = Question()
        try:
            yield cls._question
        finally:
            cls._question = None

    @classmethod
    def forget(cls) -> None:
        """Ask the disk again."""
        cls._fresh.clear()
        if cls._question is not None:
            cls._question.forget()

    def content(self) -> str | None:
        """Return the digest of the content as it was sealed, None if the file is not the sealed one."""
        return content_of(self.file)

    def remove(self, **kwargs: Any) -> None:
        """Remove the file and its manifest."""
        super().remove(**kwargs)
        manifest_path(self.file).unlink(missing_ok=True)
        self.forget()

    def status_text(
        self, max_depth: int = 0, flags: Any = None, color: bool = False, exists: bool | None = None
    ) -> str:
        """Return the state for ``--print-status``, with the reason if the output is stale."""
        why = self.why_stale() if self.is_written() else None
        if why is None:
            return str(super().status_text(max_depth=max_depth, flags=flags, color=color, exists=exists))
        word = law.util.colored("stale", "yellow", style="bright") if color else "stale"
        return f"{word} ({why})"


class BranchOutputs(law.TargetCollection):
    """The outputs of all branches of a workflow; ``--print-status`` shows why they are stale."""

    def status_text(self, *args: Any, **kwargs: Any) -> str:
        """Return the state with the number of branches, and the first reason for stale ones."""
        text = str(super().status_text(*args, **kwargs))
        written = [target for target in leaves(self) if target.is_written()]
        with ProvenanceTarget.one_question():
            reasons = dict.fromkeys(why for target in written if (why := target.why_stale()))
        if not reasons:
            return text
        first, *others = reasons
        more = f"; and {len(others)} more reasons" if others else ""
        count, *rest = text.split("\n", 1)
        return "\n".join([f"{count}, stale ({first}{more})", *rest])


@contextmanager
def staged(*targets: ProvenanceTarget) -> Iterator[tuple[Path, ...]]:
    """Yield paths beside the targets and rename them onto the targets on success.

    law takes any file for a finished task; so a file gets its name only when it is whole and on the disk. What an
    earlier, killed process left is removed first.

    Raises
    ------
    ValueError
        If a file has no content.
    """
    parts = []
    for target in targets:
        target.file.parent.mkdir(parents=True, exist_ok=True)
        # the whole name, since it may end like that of another target, whose part may be in use
        part_of = re.compile(rf"\.part-(\d+)-{re.escape(target.file.name)}")
        for left_over in target.file.parent.glob(".part-*"):
            if (found := part_of.fullmatch(left_over.name)) and not _is_running(int(found[1])):
                left_over.unlink(missing_ok=True)
        parts.append(target.file.with_name(f".part-{os.getpid()}-{target.file.name}"))
    try:
        with full_disk_named(targets[0].file.parent):
            yield tuple(parts)
        for target, part in zip(targets, parts, strict=True):
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            if part.stat().st_size == 0:
                raise ValueError(f"{target.file} was written without content; an output is never empty")
        for target, part in zip(targets, parts, strict=True):
            part.replace(target.file)
        for folder in {target.file.parent for target in targets}:
            sync_folder(folder)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def leaves(outputs: Any) -> Iterator[ProvenanceTarget]:
    """Yield all provenance targets in an output structure, collections opened."""
    for output in law.util.flatten(outputs):
        if isinstance(output, law.TargetCollection):
            # branch by branch: law's flatten takes quadratic time
            for target in output.targets.values() if isinstance(output.targets, dict) else output.targets:
                yield from leaves(target)
        elif isinstance(output, ProvenanceTarget):
            yield output
