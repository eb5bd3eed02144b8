"""Files of corrections, plain or gzip by their name; equal text gives equal bytes."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_GZIP_MAGIC = b"\x1f\x8b"


def write_text(path: Path, text: str, *, compress: bool) -> None:
    """Write a text, compressed without the date and name that gzip usually adds."""
    content = text.encode()
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if compress else content)


def read_text(path: Path) -> str:
    """Return the text of a file, whether compressed or not."""
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content).decode()


def correction_of(content: Mapping[str, Any], name: str | None, file: str) -> dict[str, Any]:
    """Return one correction of the parsed content of a file, the only one if no name is given.

    Raises
    ------
    ValueError
        If the file has no such correction, or several and none is named.
    """
    corrections: dict[str, dict[str, Any]] = {tree["name"]: tree for tree in content["corrections"]}
    wanted = next(iter(corrections)) if name is None and len(corrections) == 1 else str(name)
    if wanted not in corrections:
        raise ValueError(f"{file}: no correction {name!r}; name one of {sorted(corrections)}")
    return corrections[wanted]
