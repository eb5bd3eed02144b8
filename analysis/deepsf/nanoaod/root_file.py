"""Opening NanoAOD files: whatever is wrong with one becomes an `NtupleError`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepsf.nanoaod.remote import is_url, let_go, open_options

TREE_CLASSES = ("TTree", "ROOT::RNTuple")


class NtupleError(ValueError):
    """An input file cannot be used; the message names file, branch, rule and way out."""


class UnreadableError(NtupleError):
    """A file cannot be read: truncated, corrupt, not a ROOT file."""


class UnreachableError(UnreadableError):
    """A file cannot be read from its server, whether the reason lies with the server or with the file.

    Attributes
    ----------
    reason
        What was tried and how it failed, without the address.
    is_final
        Whether the same server would answer the same again: it says that there is no such file, or that it may not be
        read.
    """

    def __init__(self, message: str, reason: str = "", *, is_final: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.is_final = is_final


@contextmanager
def open_root(path: str, file: Any = None) -> Iterator[Any]:
    """Open a ROOT file, on disk or on a server; anything wrong with it is an `NtupleError`.

    What goes wrong with a file on a server while it is open is an `UnreachableError`, whatever the libraries raise.

    Parameters
    ----------
    file
        The file itself, where it is open already (`opened`).
    """
    if file is None:
        with opened(path) as file, _named_errors(path):
            yield file
        return
    with _named_errors(path):
        yield file


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a ROOT file that several functions read, each with `open_root`: trees of many branches are parsed once."""
    import uproot  # here: planning imports the errors above, and must not wait

    remote = is_url(path)
    if not remote:
        _require_regular(path)
    try:
        try:
            file = uproot.open({path: None}, array_cache=None, **(open_options(path) if remote else {}))
        except MemoryError:
            raise
        except Exception as error:  # uproot raises many types on files that are truncated or not ROOT
            raise unreadable(path, error, "opening it") from error
        with file:
            yield file
    finally:
        if remote:
            let_go(path)


@contextmanager
def _named_errors(path: str) -> Iterator[None]:
    """Name the file on a server in whatever the libraries raise while it is read."""
    try:
        yield
    except (NtupleError, MemoryError):
        raise
    except Exception as error:
        if is_url(path):
            raise unreadable(path, error, "reading it") from error
        raise


def _require_regular(path: str) -> None:
    """Refuse what is no file before it is opened: a FIFO would be waited for until something writes to it."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise UnreadableError(f"{path}: no such file; check the sample's files in the config") from None
    except OSError as error:
        raise unreadable(path, error, "looking at it") from error
    if stat.S_ISDIR(mode):
        raise NtupleError(
            f"{path}: a folder, not a file; name it in the sample's files, which take all *.root below a folder"
        )
    if not stat.S_ISREG(mode):
        raise UnreadableError(
            f"{path}: not a regular file but a device, a pipe or a socket; take it off the sample's files"
        )


def unreadable(path: str, error: Exception, doing: str) -> UnreadableError:
    """Return the error for a file that cannot be read; ``doing`` says what was tried."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    reason = f"{type(error).__name__} while {doing}: {text[:200]}"
    if is_url(path):
        message = f"{path}: unreachable ({reason}); check the address and whether the server runs"
        return UnreachableError(message, reason, is_final=_is_final(error))
    return UnreadableError(
        f"{path}: unreadable, not a ROOT file, truncated or corrupt ({reason}); "
        "copy the file again or take it off the sample's files"
    )


def _is_final(error: Exception) -> bool:
    # kXR_NotFound and kXR_NotAuthorized; statuses of http
    xrootd = any(code in str(error) for code in ("[3011]", "[3010]"))
    return xrootd or isinstance(error, FileNotFoundError) or getattr(error, "status", None) in (401, 403, 404, 410)


def events_tree(file: Any, path: str) -> Any:
    """Return the file's ``Events``, a TTree or an RNTuple."""
    try:
        kinds = file.classnames(recursive=False, cycle=False)
        if kinds.get("Events") in TREE_CLASSES:
            return file["Events"]
    except Exception as error:  # the directory opens, but the record of the tree is cut off
        raise unreadable(path, error, "opening the Events tree") from error
    content = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "nothing"
    raise NtupleError(
        f"{path}: no Events tree (the file holds {content}); give NanoAOD files with a TTree or RNTuple named Events"
    )


def number_of_events(path: str) -> int:
    """Return the number of events of a file."""
    with open_root(path) as file:
        return int(events_tree(file, path).num_entries)
