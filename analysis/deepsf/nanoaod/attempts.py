"""Reading a file that several servers may have: asked again, and elsewhere, for less than a minute without success."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple, TypeVar

from deepsf.nanoaod.remote import is_url, places, server_of
from deepsf.nanoaod.root_file import NtupleError, UnreachableError, open_root

log = logging.getLogger(__name__)

N_ATTEMPTS = 3
"""Attempts that are made at least, if the servers do not say that there is no such file."""
LAST_ATTEMPT_S = 25.0
"""Time after the first failure until which more attempts begin: with the last one it is less than a minute."""
PAUSES_S = (2.0, 4.0, 8.0)
"""Pause before each round of all servers but the first; the last one repeats."""

T = TypeVar("T")


class ChangedFileError(NtupleError):
    """A file on a server is not the one that was planned with."""


class Failure(NamedTuple):
    """An attempt that failed: the address, what happened, and when."""

    place: str
    error: UnreachableError
    time_s: float


def read_somewhere(
    location: str,
    read: Callable[[str], T],
    redirectors: Sequence[str] = (),
    identity: str | None = None,
    *,
    patient: bool = True,
) -> T:
    """Return what ``read`` makes of a file, begun anew from another server or later where it fails.

    Parameters
    ----------
    location
        A path on disk, which is read once; or an address.
    read
        Called with the path or address; what it has done must not matter when it raises `UnreachableError`.
    redirectors
        Servers that are asked after the file's own.
    identity
        What `identity_of` gave for the file; if it is another one before or after it was read, that is an error.
    patient
        False: each server is asked once.

    Raises
    ------
    UnreachableError
        If no server gave the file: the servers, how often and with what result each was asked, and what to do.
    ChangedFileError
        If the file is another one.
    NtupleError
        If it cannot be used for what is in it.
    """
    if not is_url(location):
        return read(location)
    failures: list[Failure] = []
    if not places(location, redirectors):
        raise NtupleError(f"{location}: names no server; name one, or set campaign.redirectors")
    for place in _attempts(location, redirectors, failures) if patient else places(location, redirectors):
        try:
            if identity is not None:
                _require_same(place, identity)
            result = read(place)
            if identity is not None:
                _require_same(place, identity)
        except UnreachableError as error:
            failures.append(Failure(place, error, time.monotonic()))
            log.warning("%s: attempt %d failed: %s", place, len(failures), error.reason)
        else:
            return result
    raise _unreachable(location, failures) from failures[-1].error


def reachable(location: str, redirectors: Sequence[str] = ()) -> str:
    """Return the first address from which a file can be opened; a path as it is.

    Raises
    ------
    UnreachableError
        If no server gives the file.
    """
    if not is_url(location):
        return location
    return read_somewhere(location, lambda place: _identity_at(place) and place, redirectors)


def identity_of(location: str, redirectors: Sequence[str] = ()) -> str:
    """Return size and UUID of a ROOT file on a server; the UUID changes whenever the file is written anew.

    Raises
    ------
    UnreachableError
        If no server gives the file.
    """
    return read_somewhere(location, _identity_at, redirectors)


def _identity_at(place: str) -> str:
    with open_root(place) as file:
        return f"{file.file.source.num_bytes}-{file.file.uuid}"


def _require_same(place: str, identity: str) -> None:
    now = _identity_at(place)
    if now != identity:
        raise ChangedFileError(
            f"{place}: another file than the one that was planned with (size and UUID are {now}, were {identity}); "
            "nothing of it is used; run the same command again to start from the new file"
        )


def _attempts(location: str, redirectors: Sequence[str], failures: list[Failure]) -> Iterator[str]:
    """Yield the addresses to try, again and again, as long as it makes sense after the ``failures`` so far."""
    for pause_s in chain((0.0,), PAUSES_S, repeat(PAUSES_S[-1])):
        hopeless = {failure.place for failure in failures if failure.error.is_final}
        left = [place for place in places(location, redirectors) if place not in hopeless]
        if not left or _is_late(failures, pause_s):
            return
        time.sleep(pause_s)
        for place in left:
            if _is_late(failures):
                return
            yield place


def _is_late(failures: Sequence[Failure], pause_s: float = 0.0) -> bool:
    if len(failures) < N_ATTEMPTS:
        return False
    return time.monotonic() + pause_s - failures[0].time_s > LAST_ATTEMPT_S


def _unreachable(location: str, failures: Sequence[Failure]) -> UnreachableError:
    by_place: dict[str, list[str]] = {}
    for failure in failures:
        by_place.setdefault(failure.place, []).append(failure.error.reason)
    servers = "; ".join(f"{server_of(place)} {len(why)} x, last {why[-1]}" for place, why in by_place.items())
    reason = f"{len(failures)} attempt(s): {servers}"
    return UnreachableError(
        f"{location}: unreachable, {reason}; check the address and whether the server runs, name others in "
        "campaign.redirectors, or set on_bad_file: skip for the sample",
        reason,
        is_final=all(failure.error.is_final for failure in failures),
    )
