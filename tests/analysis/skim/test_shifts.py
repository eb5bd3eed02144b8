"""Shifts of a skim: which there are, and the rows and weights of one of them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepsf.skim.cut_flow import METADATA_KEY, SkimReport, read_report
from deepsf.skim.shifts import read_shift, require_shift, shifts_of

ROWS = {
    "shift": [0, 0, 1],
    "pt_gev": [30.0, 40.0, 33.0],
    "weight": [2.0, -1.0, 2.0],
    "weight_pileup_up": [1.5, 2.0, 1.0],
}


def report(sample="ttbar", kind="simulation", kinematic=("nominal", "jer_up"), weights=("pileup_up",)):
    return SkimReport(sample, kind, 3, 3.0, {}, {}, {}, kinematic_shifts=kinematic, weight_shifts=weights)


@pytest.fixture
def write(tmp_path):
    """Write a table with the report's shifts."""

    def table(name, of_file, rows=ROWS):
        path = tmp_path / f"{name}.parquet"
        columns = pa.table({**rows, "shift": pa.array(rows["shift"], pa.int8())})
        pq.write_table(columns.replace_schema_metadata({METADATA_KEY: of_file.to_json()}), path)
        return path

    return table


def test_shifts_are_those_of_simulation_and_weights_of_any_file_count(write):
    files = write("a", report()), write("b", report(weights=())), write("c", report("data", "data", ("nominal",), ()))
    reports = [read_report(path) for path in files]
    assert shifts_of(reports) == (("nominal", "jer_up"), ("pileup_up",))
    assert shifts_of(reports[2:]) == (("nominal",), ())


def test_files_skimmed_with_different_shifts_of_jets_are_refused(write):
    files = write("a", report()), write("b", report("zjets", kinematic=("nominal", "jesTotal_up")))
    with pytest.raises(ValueError, match=r"samples ttbar and zjets .* different shifts .*'jer_up', 'jesTotal_up'"):
        shifts_of([read_report(path) for path in files])


def test_an_unknown_shift_is_refused_with_those_there_are():
    require_shift("jer_up", ("nominal", "jer_up"), ("pileup_up",))
    require_shift("pileup_up", ("nominal", "jer_up"), ("pileup_up",))
    with pytest.raises(ValueError, match="'jer_down' is not in the skim; it has nominal, jer_up, pileup_up"):
        require_shift("jer_down", ("nominal", "jer_up"), ("pileup_up",))


@pytest.mark.parametrize(
    ("shift", "pt", "weight"),
    [
        ("nominal", [30.0, 40.0], [2.0, -1.0]),
        ("jer_up", [33.0], [2.0]),
        ("pileup_up", [30.0, 40.0], [3.0, -2.0]),
        ("psisr_up", [30.0, 40.0], [2.0, -1.0]),  # a weight that this file lacks changes nothing
    ],
)
def test_a_shift_has_its_own_rows_or_weights(write, shift, pt, weight):
    path = write("a", report())
    table = read_shift(path, read_report(path), shift, ["pt_gev", "weight"])
    assert table.column_names == ["pt_gev", "weight"]
    assert table["pt_gev"].to_pylist() == pt
    assert table["weight"].to_pylist() == weight
