"""Files on a server that match a pattern.

Folder by folder: the ``glob`` of fsspec takes a folder that the server fails to list for an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from deepsf.nanoaod.attempts import read_somewhere
from deepsf.nanoaod.remote import open_options, server_of
from deepsf.nanoaod.root_file import UnreachableError, unreadable


def files_matching(pattern: str, redirectors: Sequence[str] = (), *, patient: bool = True) -> list[str]:
    """Return the addresses of the files that a ``root://`` pattern matches, sorted.

    ``*`` and ``[...]`` stand for parts of a name, ``**`` for any number of folders; hidden files do not count.
    The addresses begin as the pattern does: without a server if it names none. Unless ``patient``, each server is asked
    once.

    Raises
    ------
    UnreachableError
        If no server lists them.
    """
    server = server_of(pattern)
    start = f"root://{server}/" if server else "root://"
    return [f"{start}{path}" for path in read_somewhere(pattern, _paths_at, redirectors, patient=patient)]


def _paths_at(place: str) -> list[str]:
    import fsspec

    try:
        system, pattern = fsspec.core.url_to_fs(place, **open_options(place))
    except Exception as error:  # fsspec and the client raise many types
        raise unreadable(place, error, "connecting to it") from error
    system.dircache.clear()
    return sorted(set(_matching(system, place, "", pattern.strip("/").split("/"))))


def _matching(system: Any, place: str, folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield the files below a folder that match the parts of a path."""
    head, *rest = parts
    if not any(mark in head for mark in "*[") and rest:
        yield from _matching(system, place, f"{folder}/{head}", rest)
        return
    if head == "**":
        yield from _matching(system, place, folder, rest)
    for path, is_folder in _listed(system, place, folder):
        name = path.rpartition("/")[2]
        if head == "**" and is_folder:
            yield from _matching(system, place, path, parts)
        elif head != "**" and fnmatchcase(name, head):
            if rest and is_folder:
                yield from _matching(system, place, path, rest)
            elif not rest and not is_folder:
                yield path


def _listed(system: Any, place: str, folder: str) -> list[tuple[str, bool]]:
    """Return what a folder holds, and whether it is a folder; nothing if there is no such folder."""
    try:
        found = system.ls(folder or "/", detail=True)
    except Exception as error:  # fsspec and the client raise many types
        failure = unreadable(place, error, f"listing {folder or '/'}")
        if isinstance(failure, UnreachableError) and failure.is_final:
            return []
        raise failure from error
    entries = ((f"{folder}/{info['name'].rpartition('/')[2]}", info["type"] == "directory") for info in found)
    return [(path, is_folder) for path, is_folder in entries if not path.rpartition("/")[2].startswith(".")]
