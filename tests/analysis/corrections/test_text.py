"""Text files: plain or compressed, the same bytes each time."""

from __future__ import annotations

import gzip
import time

import pytest

from deepsf.corrections.text import read_text, write_text

TEXT = "b-tag weights, µ = 1\n"


def test_text_is_read_whether_compressed_or_not(tmp_path):
    for name, compress in (("plain.json", False), ("compressed.json.gz", True), ("compressed.json", True)):
        write_text(tmp_path / name, TEXT, compress=compress)
        assert read_text(tmp_path / name) == TEXT
    assert (tmp_path / "plain.json").read_bytes() == TEXT.encode()
    assert gzip.decompress((tmp_path / "compressed.json").read_bytes()) == TEXT.encode()


def test_bytes_depend_on_neither_time_nor_name(tmp_path, monkeypatch):
    write_text(tmp_path / "a.gz", TEXT, compress=True)
    monkeypatch.setattr(time, "time", lambda: 4e8)
    write_text(tmp_path / "b.gz", TEXT, compress=True)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(TEXT.encode())[:-5], "damaged gzip file: Compressed file ended"),
        (gzip.compress(TEXT.encode())[:12] + b"damage", "damaged gzip file: "),
        (TEXT.encode("latin-1"), "no text: 'utf-8' codec can't decode byte 0xb5"),
    ],
)
def test_what_is_damaged_or_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "bad")
