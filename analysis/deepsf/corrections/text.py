"""Text files, plain or gzip; equal text gives equal bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


def write_text(path: Path, text: str, *, compress: bool) -> None:
    """Write a text, compressed without the date and name that gzip usually adds."""
    content = text.encode()
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if compress else content)


def read_text(path: Path) -> str:
    """Return the text of a file, whether compressed or not.

    Raises
    ------
    ValueError
        If it is damaged or no text; the message does not name it.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    try:
        return (gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content).decode()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"damaged gzip file: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"no text: {error}") from None
