"""The CSV format: what is written is read back, by us and by coffea; what is wrong is named with its line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from coffea.btag_tools import BTagScaleFactor

from deepsf.exports.btv_csv import COLUMNS, csv_text, read_csv, write_csv
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import ShapeTable, shapes_of, unit_table
from tests.analysis.exports.conftest import FLAVOURS, measurement, points
from tests.oracles.shape_tables import evaluate

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


@pytest.mark.parametrize("first", [COLUMNS, f"{COLUMNS} ", COLUMNS.replace(", ", ","), f" DeepJet ; {COLUMNS}"])
def test_the_tagger_may_be_missing_from_the_first_line(tmp_path, first):
    """As in the official DeepJet_102XSF_V1.csv."""
    tagger, shapes = read(tmp_path, first, ROW.replace('"1.0"', "(1.17389+-0.55648*x)"))
    assert tagger == ("DeepJet" if "DeepJet" in first else "")
    np.testing.assert_allclose(evaluate(shapes[5]["nominal"], [0.1], [25.0], [0.1]), 1.17389 - 0.055648, rtol=1e-15)


def test_rows_of_a_table_that_begins_at_0_refuse_invalid_scores_as_those_of_run_3(tmp_path, label):
    _, shapes = read(tmp_path, HEADER, ROW.replace("-15.0", "0.0").replace('"1.0"', '"2*x^2"'))
    both = ShapeCorrection.of_tree(shape_correction(dict.fromkeys((5, 0), shapes[5]), label))
    assert both.evaluate([5, 5], [0.1, 0.1], [50.0, 50.0], [0.5, -1.0]).tolist() == [0.5, 1.0]


def test_other_measurement_types_are_left_out(tmp_path):
    tagger, shapes = read(tmp_path, HEADER, '0, comb, central, 0, -2.5, 2.5, 20, 1000, 0, 1, "1/(x*x)"', ROW)
    assert (tagger, shapes) == ("deepJet", {5: {"nominal": unit_table()}})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((HEADER, ROW.replace("0.0, 2.5", "nan, 2.5")), "line 2: a bin from nan to 2.5"),
        ((HEADER, ROW.replace("10000.0", "inf")), "line 2: a bin from 20 to inf"),
        ((HEADER, ROW.replace("20.0, 10000.0", "10000.0, 20.0")), "line 2: a bin from 10000 to 20"),
        ((HEADER, "3", ROW.replace("1.0", "1e999")), "line 3: formula '1e999': it has a number that is not finite"),
        ((HEADER, ROW + "x" * 200_000), r"sf\.csv: field larger than field limit"),
        ((), r"sf\.csv: the first line must be 'TAGGER;OperatingPoint, "),
        (("deepJet;a, b",), "the first line must be"),
        ((HEADER,), "no row of type iterativefit with operating point 3"),
        ((HEADER, ROW, ROW.replace("1.0", "1/x")), r"sf\.csv: line 3: formula '1/x': cannot read '1 / x'"),
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


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read \(No such file or directory\); correct the path"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(ROW.encode())[:-9])
    with pytest.raises(ValueError, match=r"bad\.csv\.gz: damaged gzip file: "):
        read_csv(tmp_path / "bad.csv.gz")
