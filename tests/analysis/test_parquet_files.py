"""Parquet files: others read them, and what was damaged is refused with the file's name."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf import parquet_files
from deepsf.parquet_files import ParquetFileError, Writer

TABLE = pa.table(
    {"entry": np.arange(300), "shift": np.repeat(np.arange(3, dtype="i1"), 100), "pt": np.linspace(20, 90, 300)}
)
TABLE = TABLE.replace_schema_metadata({"deepsf": '{"n": 300}'})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.parquet"
    with Writer(path, TABLE.schema) as writer:
        for start in (0, 100, 200):
            writer.write_table(TABLE.slice(start, 100))
    return path


def test_what_is_written_comes_back_here_and_elsewhere(path, tmp_path):
    assert parquet_files.read(path).equals(TABLE, check_metadata=True)
    assert pq.read_table(path).equals(TABLE)
    assert pq.ParquetFile(path).num_row_groups == 3
    assert parquet_files.read_schema(path).metadata == {b"deepsf": b'{"n": 300}'}
    rows = parquet_files.read(path, columns=["pt"], filters=[("shift", "=", 1)])
    assert rows.equals(TABLE.slice(100, 100).select(["pt"]))
    whole = tmp_path / "whole.parquet"
    parquet_files.write(whole, TABLE)
    assert parquet_files.read(whole).equals(TABLE, check_metadata=True)


def test_folders_on_the_way_are_no_columns(tmp_path):
    folder = tmp_path / "era=2017"
    folder.mkdir()
    parquet_files.write(folder / "some.parquet", TABLE)
    assert parquet_files.read(folder / "some.parquet").column_names == ["entry", "shift", "pt"]


def test_no_flipped_bit_is_another_table(path):
    """Not all bits count: statistics of pages are read by nobody."""
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    n_refused = 0
    for position in rng.choice(len(content), 400, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert parquet_files.read(path).equals(TABLE, check_metadata=True)
        except ParquetFileError as error:
            n_refused += 1
            assert str(error).startswith(f"{path}: not a readable parquet file, or damaged (")  # noqa: PT017
    assert n_refused > 350


def test_a_footer_that_is_not_what_was_written_is_refused(path):
    content = path.read_bytes()
    assert content.count(b'{"n": 300}') == 1
    path.write_bytes(content.replace(b'{"n": 300}', b'{"n": 301}'))
    for read in (parquet_files.read, parquet_files.read_schema):
        with pytest.raises(ParquetFileError, match=r"some\.parquet: .*\(its footer is not what was written\); make it"):
            read(path)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"no parquet file", b"\xff\xff\xff\x7fPAR1", b"\0" * 100 + b"\x10\0\0\0PAR1"]
)
def test_what_is_no_parquet_file_is_refused(tmp_path, content):
    path = tmp_path / "other.parquet"
    path.write_bytes(content)
    for read in (parquet_files.read, parquet_files.read_schema):
        with pytest.raises(ParquetFileError, match=r"other\.parquet: not a readable parquet file, or damaged \("):
            read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParquetFileError, match=r"absent\.parquet: .*No such file"):
        parquet_files.read(tmp_path / "absent.parquet")


def test_files_of_other_writers_are_read_without_checksums(tmp_path):
    pq.write_table(TABLE, tmp_path / "other.parquet")
    assert parquet_files.read(tmp_path / "other.parquet").equals(TABLE)
