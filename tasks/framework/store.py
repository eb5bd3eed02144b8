"""The store: outputs that a run replaced, kept so that they can be restored when their inputs return.

An entry is a folder ``<data>/<version>/<config>/.store/<key>/`` with one output and its manifest. Its key is a digest
of task, name and inputs, so that the inputs that an output would get now lead to the entry that it can be restored
from. Entries are added and removed by a single rename, and used only if their digest is right: a killed process, or two
at once, cost an entry at most. Outputs are replaced and never changed, so hard links serve as copies.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tasks.framework import settings
from tasks.framework.provenance import (
    content_digest,
    content_of,
    copy_manifest,
    differences,
    inputs_key,
    manifest_path,
    read_manifest,
)
from tasks.framework.targets import ProvenanceTarget, Sealed, leaves, staged

NAME = ".store"
ABANDONED_S = 3600.0
"""A half-made entry older than this was left by a killed process [s]."""
_PART = ".part-"


class _Entry(NamedTuple):
    file: Path
    manifest: dict[str, Any]


def restore(task: Sealed) -> bool:
    """Restore outputs that an earlier run made from the present inputs; return whether the task is up to date then.

    What they replace goes into the store. Nothing is restored unless all outputs that are missing or stale can be. A
    kill in between leaves the entries, and outputs without a manifest that fits.
    """
    if not _keeps(task):
        return False
    now, entries = task.inputs_now(), []
    missing = [target for target in leaves(task.output()) if not target.exists()]
    if not missing:  # another process was first
        return True
    try:
        for target in missing:
            if (entry := _find(task, target, now)) is None:
                return False
            entries.append(entry)
        with staged(*missing) as parts:
            for entry, part in zip(entries, parts, strict=True):
                _link(entry.file, part)
            keep(task)
        for entry, target in zip(entries, missing, strict=True):
            copy_manifest(entry.manifest, target.file)
    except OSError as error:  # an entry that another process removed, a folder of somebody else
        task.publish_message(f"{task.task_family}: nothing is restored from the store: {error}")
        return False
    ProvenanceTarget.forget()
    return all(target.exists() for target in missing)


def keep(task: Sealed) -> None:
    """Put the outputs into the store that a run with the present inputs is about to replace."""
    if not _keeps(task):
        return
    now, limit = task.inputs_now(), settings.store_bytes()
    try:
        for target in leaves(task.output()):
            manifest = read_manifest(target.file)
            # with equal inputs, the same content comes again
            if manifest is not None and target.content() is not None and differences(manifest["inputs"], now):
                insert(_store(task), target.file, _key(target, manifest["task"], manifest["inputs"]), limit)
    except OSError as error:  # a cache that cannot be written is no reason not to run
        task.publish_message(f"{task.task_family}: its replaced outputs are not kept: {error}")


def restore_branches(workflow: Any) -> int:
    """Restore the branches of a workflow that can be restored; keep what the others are about to replace.

    The side that submits jobs does this beforehand: jobs leave the store alone.

    Returns
    -------
    int
        How many branches were restored.
    """
    if not _keeps(workflow):
        return 0
    ProvenanceTarget.forget()
    settings.claim_stem(str(workflow.version), workflow.config)
    incomplete = [task for task in workflow.get_branch_tasks().values() if not task.complete()]
    n_restored = 0
    for task in incomplete:
        if restore(task):
            n_restored += 1
        else:
            keep(task)
    if n_restored:
        workflow.publish_message(f"{workflow.task_family}: {n_restored} branches restored from the store")
    return n_restored


def _keeps(task: Sealed) -> bool:
    return task.keeps_replaced and not settings.in_job() and settings.store_bytes() > 0


def _store(task: Sealed) -> Path:
    return task.folder().parent / NAME


def _key(target: ProvenanceTarget, task: str, inputs: dict[str, Any]) -> str:
    return inputs_key(task, str(target.file.relative_to(target.task.folder())), inputs)


# --- entries


def _find(task: Sealed, target: ProvenanceTarget, now: dict[str, Any]) -> _Entry | None:
    """Return the entry of an output made from the present inputs; a damaged one is removed."""
    place = _store(task) / _key(target, task.task_family, now)
    if not place.is_dir():
        return None
    file = place / target.file.name
    manifest = read_manifest(file)
    if manifest is None or not _is_sound(file, manifest) or differences(manifest["inputs"], now):
        task.publish_message(f"{task.task_family}: {target.file.name} in the store is damaged and removed there")
        _discard(place)
        return None
    os.utime(place)
    return _Entry(file, manifest)


def _is_sound(file: Path, manifest: dict[str, Any]) -> bool:
    try:
        return content_digest(file) == manifest["content"]
    except Exception:  # no longer readable as what it was: many libraries, many types of error
        return False


def insert(store: Path, file: Path, key: str, limit: int) -> None:
    """Add an output to the store; remove what was used longest ago, so that all need at most ``limit`` bytes."""
    sources, place = (file, manifest_path(file)), store / key
    if place.is_dir():  # looked at in this order: a whole one may come any time
        if all((place / source.name).is_file() for source in sources):
            os.utime(place)
            return
        _discard(place)
    size = sum(source.stat().st_size for source in sources)
    if size > limit:
        return
    store.mkdir(exist_ok=True)
    _make_room(store, limit - size)
    part = Path(tempfile.mkdtemp(prefix=_PART, dir=store))
    try:
        for source in sources:
            _link(source, part / source.name)
        if content_of(part / file.name) is not None:  # else another process replaced the output meanwhile
            part.chmod(0o755)
            part.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another process was first
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _make_room(store, limit)  # of two processes that both found room, the later one looks again


def _make_room(store: Path, limit: int) -> None:
    """Remove what killed processes left, and what was used longest ago until the rest needs at most ``limit`` bytes."""
    for part in store.glob(f"{_PART}*"):
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(part, ignore_errors=True)
    entries = sorted(_entries(store))
    excess = sum(size for _, size, _ in entries) - limit
    for _, size, place in entries:
        if excess <= 0:
            break
        _discard(place)
        excess -= size


def _entries(store: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield time of last use [ns], size [bytes] and folder of every entry."""
    for place in store.iterdir():
        if not place.name.startswith("."):
            with suppress(FileNotFoundError):  # another process removed it meanwhile
                size = sum(file.stat().st_size for file in place.iterdir())
                yield place.stat().st_mtime_ns, size, place


def _discard(place: Path) -> None:
    """Remove an entry: in one step out of sight, then from the disk."""
    grave = Path(tempfile.mkdtemp(prefix=_PART, dir=place.parent))
    with suppress(FileNotFoundError):  # another process was first
        place.rename(grave)
    shutil.rmtree(grave, ignore_errors=True)


def _link(source: Path, place: Path) -> None:
    """Give a file a second name; where file systems cannot, copy it."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
        with place.open("rb") as stream:
            os.fsync(stream.fileno())
