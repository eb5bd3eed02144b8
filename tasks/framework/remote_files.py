"""Lists, sizes and UUIDs of files on servers, kept in ``<data>/.digests`` so that a status needs no server.

A file's size and UUID stand for its content, and are read once. A skim compares them with the file that it opens.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deepsf.nanoaod.remote import server_of
from deepsf.nanoaod.root_file import UnreachableError
from tasks.framework import settings
from tasks.framework.provenance import write_json

log = logging.getLogger(__name__)

N_AT_ONCE = 16
"""Files that are asked for at the same time: mostly it is waiting."""

_failed: dict[str, UnreachableError] = {}
_silent: set[tuple[str, ...]] = set()
"""Servers that did not answer when they were asked for lists."""


def identity(location: str, redirectors: Sequence[str]) -> str | None:
    """Return size and UUID of a file; a server is asked only if they are not known, and once a process.

    None in a job at whose submission no server gave the file, though it need not be read.

    Raises
    ------
    UnreachableError
        If no server gives the file.
    """
    shipped = settings.shipped()
    if shipped is not None and location in shipped.identities:
        return shipped.identities[location]
    known = _read_note(location)
    return str(known["identity"]) if "identity" in known else _ask(location, redirectors)


def find_out(may_be_bad: Mapping[str, bool], redirectors: Sequence[str], *, anew: bool = False) -> None:
    """Ask for sizes and UUIDs of many files at once, of those that are not known or, ``anew``, of all.

    Parameters
    ----------
    may_be_bad
        By file, whether one that no server gives is no error.

    Raises
    ------
    UnreachableError
        If no server gives a file that is needed; the others are no longer asked for.
    """
    asked = [location for location in may_be_bad if anew or "identity" not in _read_note(location)]

    def ask(location: str) -> None:
        try:
            _ask(location, redirectors)
        except UnreachableError:
            if not may_be_bad[location]:
                raise

    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        try:
            list(pool.map(ask, asked))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def forget(location: str) -> None:
    """Forget size and UUID of a file that has become another one."""
    _note(location).unlink(missing_ok=True)


def matching(pattern: str, redirectors: Sequence[str]) -> list[str]:
    """Return the files that a pattern matches; if no server answers, those that it matched the last time.

    Raises
    ------
    UnreachableError
        If no server answers, and none ever did.
    """
    from deepsf.nanoaod.listing import files_matching

    known = _read_note(pattern).get("files")
    servers = (server_of(pattern), *redirectors)
    if known is not None and servers in _silent:
        return list(known)
    try:
        files = files_matching(pattern, redirectors, patient=known is None)
    except UnreachableError as error:
        if known is None:
            raise
        _silent.add(servers)
        log.warning("%s; files of its patterns are those of the last time", error)
        return list(known)
    if files != known:
        write_json(_note(pattern), {"location": pattern, "files": files}, durable=False)
    return files


def _ask(location: str, redirectors: Sequence[str]) -> str:
    from deepsf.nanoaod.attempts import identity_of

    if location in _failed:
        raise _failed[location]
    try:
        found = identity_of(location, redirectors)
    except UnreachableError as error:
        _failed[location] = error
        raise
    write_json(_note(location), {"location": location, "identity": found}, durable=False)
    return found


def _note(location: str) -> Path:
    return settings.data() / ".digests" / f"{hashlib.sha256(location.encode()).hexdigest()[:24]}.json"


def _read_note(location: str) -> dict[str, Any]:
    try:
        found = json.loads(_note(location).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("location") == location else {}
