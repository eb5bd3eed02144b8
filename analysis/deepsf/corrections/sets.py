"""All corrections of a file, as skims take them: pile-up, jet energies, identifications, veto maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.corrections import nodes
from deepsf.corrections.text import read_text

if TYPE_CHECKING:
    import correctionlib


def open_set(path: str, error: type[Exception], way_out: str) -> correctionlib.CorrectionSet:
    """Return the corrections of a file, of which none makes correctionlib die.

    Parameters
    ----------
    error, way_out
        What is raised, and what its message says to do, if the file cannot be read.
    """
    import correctionlib

    try:
        text = read_text(Path(path))
        for tree in json.loads(text)["corrections"]:
            nodes.check(tree)
        return correctionlib.CorrectionSet.from_string(text)
    except Exception as reason:  # files that are missing or malformed raise many types
        raise error(f"{path}: not a readable correctionlib file ({reason}); {way_out}") from reason


def named(path: str, name: str, error: type[Exception], *, file_key: str, name_key: str) -> Any:
    """Return the correction of a name in a file.

    Parameters
    ----------
    error
        What is raised if the file cannot be read, or has no such correction.
    file_key, name_key
        What the message says to correct: the keys of the configuration that name file and correction.
    """
    corrections = open_set(path, error, f"correct {file_key}")
    if name not in list(corrections):
        raise error(f"{path}: no correction {name!r}; set {name_key} to one of {sorted(corrections)}")
    return corrections[name]
