"""Damaged NanoAOD files through the whole skim, compressed as CMS does, as others do, and as the generator does."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import uproot

from deepsf import parquet_files
from deepsf.generator.compression import ChecksummedZSTD
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.fuzz.gate import failures


@pytest.fixture
def skim(tmp_path, simulation, tagger, selection, regions):
    """Return a function that skims a file and returns a digest of its tables."""
    settings = SkimSettings(sample_name="ttbar", sample=simulation, tagger=tagger, selection=selection, regions=regions)

    def read(path) -> str:
        tables = [tmp_path / f"{path.stem}_{kind}.parquet" for kind in ("entries", "jets")]
        report = skim_file(path, settings, entries_path=tables[0], jets_path=tables[1], file_name="nano.root")
        # that of one row of Runs is stored as it is: baskets that do not shrink are not compressed and have no checksum
        digest = hashlib.sha256(replace(report, sum_weights=0.0).to_json().encode())
        for table in tables:
            digest.update(repr(parquet_files.read(table).to_pydict()).encode())
            table.unlink()
        return digest.hexdigest()

    return read


@pytest.mark.parametrize(
    ("name", "compression", "has_checksum", "n"),
    [
        ("zstd.root", uproot.ZSTD(1), False, 120),
        ("zlib.root", uproot.ZLIB(1), True, 60),
        ("ours.root", ChecksummedZSTD(1), True, 60),
    ],
)
def test_no_damage_of_nanoaod_does_harm(make_nanoaod, skim, name, compression, has_checksum, n):
    path = make_nanoaod(150, name=name, basket=80, compression=compression)
    skim(path)  # compiled code is compiled once
    assert not failures(skim, path, n, has_checksum=has_checksum)
