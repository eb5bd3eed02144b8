"""Parquet files, written and read here alone: pages and footer have checksums, which every read verifies.

Parquet knows checksums of pages. The footer has the schema, our reports, and where rows and columns lie; its digest
stands in the file before it, where other readers do not look.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deepsf.reading import in_words

_MARK = b"DeepSF-footer-sha256:"
_MAGIC = b"PAR1"
_N_END = 8  # length of the footer and magic


class ParquetFileError(ValueError):
    """A parquet file is of no use; the message names the file, what is wrong with it, and the way out."""


class Writer(pq.ParquetWriter):  # type: ignore[misc]
    """pyarrow's writer of row groups, with checksums; the file is whole once it is closed."""

    def __init__(self, path: Path, schema: pa.Schema, **options: Any) -> None:
        super().__init__(path, schema, **{"compression": "zstd", **options}, write_page_checksum=True)
        self._path = path

    def close(self) -> None:
        """Finish the file and put the digest of its footer into it."""
        was_open = self.is_open
        super().close()
        if was_open:
            _seal(self._path)


def write(path: Path, table: pa.Table) -> None:
    """Write a table as one file."""
    with Writer(path, table.schema) as writer:
        writer.write_table(table)


def read(path: Path, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
    """Return a table, or some of its columns, or the rows that pass pyarrow's ``filters``.

    Raises
    ------
    ParquetFileError
        If the file is not parquet, or was damaged.
    """
    _verify_footer(path)
    options = {"columns": None if columns is None else list(columns), "filters": filters, "partitioning": None}
    try:
        return pq.read_table(path, page_checksum_verification=True, **options)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _unreadable(path, error) from None


def read_schema(path: Path) -> pa.Schema:
    """Return the names and types of the columns, with the file's metadata.

    Raises
    ------
    ParquetFileError
        If the file is not parquet, or was damaged.
    """
    _verify_footer(path)
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> ParquetFileError:
    return ParquetFileError(f"{path}: not a readable parquet file, or damaged ({in_words(error)[:200]}); make it anew")


def _seal(path: Path) -> None:
    with path.open("r+b") as stream:
        start = stream.seek(0, 2) - _N_END
        stream.seek(start)
        start -= struct.unpack("<I4s", stream.read(_N_END))[0]
        stream.seek(start)
        footer = stream.read()
        stream.seek(start)
        stream.write(_MARK + hashlib.sha256(footer).digest() + footer)


def _verify_footer(path: Path) -> None:
    """Compare the footer with its digest; files of other writers have none."""
    n_digest = hashlib.sha256().digest_size
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _N_END))
            length, magic = struct.unpack("<I4s", stream.read(_N_END).rjust(_N_END))
            if magic != _MAGIC or length > size - _N_END:
                raise _unreadable(path, ValueError("its end is not that of a parquet file"))
            n_before = min(len(_MARK) + n_digest, size - _N_END - length)
            stream.seek(size - _N_END - length - n_before)
            before, footer = stream.read(n_before), stream.read()
    except OSError as error:
        raise _unreadable(path, error) from None
    if before.startswith(_MARK) and before[len(_MARK) :] != hashlib.sha256(footer).digest():
        raise _unreadable(path, ValueError("its footer is not what was written"))
