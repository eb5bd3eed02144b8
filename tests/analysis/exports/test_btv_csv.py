"""The CSV format: what is written is read back, by us and by coffea; what is wrong is named with its line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from coffea.btag_tools import BTagScaleFactor

from deepsf.exports.btv_csv import COLUMNS, csv_text, write_csv
from deepsf.exports.shapes import ShapeTable, shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement, points
from tests.oracles.shape_tables import read_csv

HEADER = f"deepJet;{COLUMNS}"
ROW = '3, iterativefit, central, 0, 0.0, 2.5, 20.0, 10000.0, -15.0, 1.1, "1.0"'


def read(tmp_path, *lines):
    (tmp_path / "sf.csv").write_text("\n".join(lines))
    return read_csv(tmp_path / "sf.csv")


def test_a_unit_table_is_one_row():
    assert csv_text({5: {"nominal": unit_table()}}, "deepJet") == f"{HEADER}\n{ROW}\n"


def test_coffea_reads_the_same_numbers(tmp_path):
    whole = shapes_of(measurement(), FLAVOURS)[5]["lf_up"]
    # two bins: coffea compiles each formula
    part = ShapeTable(whole.abseta[:2], whole.pt_gev[2:5], (whole.curves[0][2:4],), (whole.scale[0][2:4],))
    write_csv(tmp_path / "sf.csv", {5: {"lf_up": part}, 4: {"lf_up": unit_table()}}, "deepJet", compress=False)
    theirs = BTagScaleFactor(str(tmp_path / "sf.csv"), "reshape", "iterativefit,iterativefit")
    jets = points(20_000)
    jets = jets[(jets.abseta < part.abseta[1]) & (jets.pt_gev >= part.pt_gev[0]) & (jets.pt_gev < part.pt_gev[2])]
    assert len(jets) > 500
    values = theirs.eval("up_lf", np.full(len(jets), 5), jets.abseta, jets.pt_gev, jets.discriminant)
    measured = measurement().evaluate("b", jets, "binned_smooth", shift="lf_up")
    assert np.abs(values - measured).max() < 1e-6


def test_files_are_deterministic_and_compressed_on_request(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        write_csv(tmp_path / name, shapes_of(measurement(), FLAVOURS), "deepJet")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode().startswith(HEADER)


def test_a_hadron_flavour_without_a_code_is_refused():
    with pytest.raises(ValueError, match=r"hadron flavours \[15\] have no code in the CSV format"):
        csv_text({15: {"nominal": unit_table()}}, "deepJet")


def test_other_measurement_types_are_left_out(tmp_path):
    tagger, shapes = read(tmp_path, HEADER, '0, comb, central, 0, -2.5, 2.5, 20, 1000, 0, 1, "1/(x*x)"', ROW)
    assert (tagger, shapes) == ("deepJet", {5: {"nominal": unit_table()}})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), r"sf\.csv: the first line must be 'TAGGER;OperatingPoint, "),
        (("deepJet;a, b",), "the first line must be"),
        ((HEADER,), "no row of type iterativefit with operating point 3"),
        ((HEADER, ROW, ROW.replace("1.0", "1/x")), r"sf\.csv, line 3: formula '1/x': cannot read '1 / x'"),
        ((HEADER, ROW.replace(", 0, 0.0", ", 7, 0.0")), r"line 2: jet flavour 7 is none of \[0, 1, 2\]"),
        ((HEADER, ROW.replace("2.5,", "two,")), "line 2: could not convert string to float: 'two'"),
        ((HEADER, ROW.rsplit(",", 1)[0]), "line 2: list index out of range"),
        ((HEADER, ROW.replace("2.5", "1"), ROW.replace("0.0, 2.5", "1.5, 2.5")), "etaMin, etaMax: bins must"),
        ((HEADER, ROW.replace("1.1", "0"), ROW.replace("-15.0", "0.1")), "discrMin, discrMax: bins must follow"),
        ((HEADER, ROW, ROW), "central, jet flavour 0: discriminant bins given twice"),
        (
            (HEADER, ROW.replace("10000.0", "50"), ROW.replace("20.0", "50").replace("2.5", "1"),
             ROW.replace("0.0, 2.5", "1, 2.5").replace("10000.0", "50").replace("20.0", "20")),
            "etaMin, etaMax: bins must follow",
        ),
        (
            (HEADER, ROW.replace("2.5", "1").replace("10000.0", "50"), ROW.replace("2.5", "1").replace("20.0", "50"),
             ROW.replace("0.0, 2.5", "1, 2.5").replace("10000.0", "50")),
            r"no row for the bin at \|eta\| 1 and pT 50 GeV",
        ),
    ],
)  # fmt: skip
def test_files_with_gaps_or_nonsense_are_refused(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, *lines)
