"""Text files, plain or gzip by their name; equal text gives equal bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


def write_text(path: Path, text: str, *, compress: bool) -> None:
    """Write a text, compressed without the date and name that gzip usually adds."""
    content = text.encode()
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if compress else content)


def read_text(path: Path) -> str:
    """Return the text of a file, whether compressed or not."""
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content).decode()
