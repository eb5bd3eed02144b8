"""Files that are damaged or somebody else's: whatever a reader stumbles over is one line with the file's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


class FileContentError(ValueError):
    """A file is of no use; the message names the file, what is wrong with it, and the way out."""


def in_words(error: Exception) -> str:
    """Return what an exception says, in one line."""
    what = f"it lacks {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
    return " ".join(what.split())


@contextmanager
def reading(
    file: Path | str,
    error_type: type[ValueError] = FileContentError,
    way_out: str = "the file was damaged or edited: make it anew",
) -> Iterator[None]:
    """Raise ``error_type``, with the name of the file and the way out, for all that goes wrong with its content."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise error_type(f"{file}: {in_words(error)}; {way_out}") from error


def read_json(path: Path, build: Callable[[str], Result] | None = None) -> Any:
    """Return what ``build`` makes of the text of a JSON file; by default its content.

    Raises
    ------
    FileContentError
        If it is damaged, or not what ``build`` takes.
    """
    with reading(path):
        return (build or json.loads)(path.read_text())
