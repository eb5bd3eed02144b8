"""Opening NanoAOD files: whatever is wrong with one becomes an `NtupleError`."""

from __future__ import annotations

from typing import Any

import uproot


class NtupleError(ValueError):
    """An input file cannot be used; the message names file, branch, rule and way out."""


def open_root(path: str) -> Any:
    """Open a ROOT file; anything wrong with it is an `NtupleError`."""
    try:
        return uproot.open({path: None}, array_cache=None)
    except FileNotFoundError:
        raise NtupleError(f"{path}: no such file; check the sample's files in the config") from None
    except Exception as error:  # uproot raises many types on files that are truncated or not ROOT
        raise unreadable(path, error, "opening it") from error


def unreadable(path: str, error: Exception, doing: str) -> NtupleError:
    """Return the error for a file that cannot be read; ``doing`` says what was tried."""
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return NtupleError(
        f"{path}: not a readable ROOT file, truncated or corrupt ({type(error).__name__} while {doing}: "
        f"{reason[:200]}); copy the file again or take it off the sample's files"
    )


def events_tree(file: Any, path: str) -> Any:
    """Return the file's ``Events`` tree."""
    try:
        kinds = file.classnames(recursive=False, cycle=False)
        if kinds.get("Events") == "TTree":
            return file["Events"]
    except Exception as error:  # the directory opens, but the record of the tree is cut off
        raise unreadable(path, error, "opening the Events tree") from error
    content = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "nothing"
    raise NtupleError(
        f"{path}: no Events tree (the file holds {content}); give NanoAOD files with a TTree named Events"
    )


def number_of_events(path: str) -> int:
    """Return the number of events of a file."""
    with open_root(path) as file:
        return int(events_tree(file, path).num_entries)
