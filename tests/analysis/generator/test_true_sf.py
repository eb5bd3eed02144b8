import gzip
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from correctionlib import schemav2

from deepsf.generator import true_sf
from tests.analysis import run3_table

DEFAULT_INPUTS = ("flavor", "abseta", "pt", "discriminant")


def write(path, data, inputs=DEFAULT_INPUTS, name="sf"):
    types = {"flavor": "int", "systematic": "string"}
    correction = schemav2.Correction(
        name=name, version=1, data=data, output=schemav2.Variable(name="weight", type="real"),
        inputs=[schemav2.Variable(name=n, type=types.get(n, "real")) for n in inputs],
    )  # fmt: skip
    text = schemav2.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json(exclude_unset=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def binning(variable, edges, content, flow="clamp"):
    return schemav2.Binning(nodetype="binning", input=variable, edges=edges, content=content, flow=flow)


def by_flavour(b=1.0, c=1.0, udsg=1.0, **more):
    items = [schemav2.CategoryItem(key=k, value=v) for k, v in ((5, b), (4, c), (0, udsg)) if v is not None]
    return schemav2.Category(nodetype="category", input="flavor", content=items, **more)


STEPS = binning("discriminant", [-15, 0, 0.3, 0.8, 1.1], [0.7, 1.4, 0.9, 1.1])


def test_values_and_ceilings_of_a_table(tmp_path):
    sf = true_sf.load(write(tmp_path / "sf.json", by_flavour(b=STEPS, udsg=1.2)), "sf")
    # ceilings: largest value with 5 % on top, a constant is its own
    assert sf.ceilings.tolist() == pytest.approx([1.05 * 1.4, 1.0, 1.2])
    assert sf.is_constant.tolist() == [False, True, True]
    assert sf.edges[0]["discriminant"].tolist() == [-15, 0, 0.3, 0.8, 1.1]
    values = sf.evaluate(
        np.array([5, 5, 5, 0, 4]), np.full(5, 0.1), np.full(5, 50.0), np.array([-1, 0.1, 0.9, 0.9, 0.9])
    )
    assert values.tolist() == [0.7, 1.4, 1.1, 1.2, 1.0]


def test_a_narrow_peak_of_a_step_table_is_under_the_ceiling(tmp_path):
    peak = binning("discriminant", [-15, 0, 0.5, 0.500001, 1.1], [1, 1, 3.0, 1])
    in_pt = binning("pt", [20, 333.0, 333.5, 1000], [1.0, peak, 1.0])
    in_eta = binning("abseta", [0, 1.111, 1.112, 2.5], [1.0, in_pt, 1.0])
    assert true_sf.load(write(tmp_path / "sf.json", by_flavour(udsg=in_eta)), "sf").ceilings[2] == pytest.approx(3.15)


@pytest.mark.parametrize("rising", ["2+tanh(3*(x-2.5))", "2+tanh((y-1000)/50)"])
def test_a_smooth_truth_that_is_largest_at_the_end_of_a_range_is_under_the_ceiling(tmp_path, rising):
    formula = schemav2.Formula(nodetype="formula", expression=rising, parser="TFormula", variables=["abseta", "pt"])
    sf = true_sf.load(write(tmp_path / "sf.json", by_flavour(udsg=formula)), "sf")
    at_the_end = sf.evaluate(np.array([0]), np.array([2.4999]), np.array([999.9]), np.array([0.5]))
    assert at_the_end[0] == pytest.approx(2.0, abs=0.003)
    assert sf.ceilings[2] == pytest.approx(1.05 * 2.0)


# peaks of 45 GeV, |eta| = 1.1, discriminant 0.5, which lie between the points of a coarse grid
PEAKS = {
    "pt": "exp(-0.5*(log(y/45)/0.06)^2)",
    "abseta": "exp(-0.5*((z-1.1)/0.08)^2)",
    "discriminant": "exp(-0.5*((x-0.5)/0.12)^2)",
}


def peaked(path, names, height):
    expression = f"1+{height}*" + "*".join(PEAKS[name] for name in names)
    formula = schemav2.Formula(
        nodetype="formula", expression=expression, parser="TFormula", variables=["discriminant", "pt", "abseta"]
    )
    return true_sf.load(write(path, by_flavour(b=formula)), "sf")


@pytest.mark.parametrize("names", [("pt",), ("abseta",), ("pt", "abseta"), tuple(PEAKS)])
def test_a_smooth_peak_between_the_points_of_the_scan_is_under_the_ceiling(tmp_path, names):
    sf = peaked(tmp_path / "sf.json", names, 0.5)
    assert sf.ceilings[0] == pytest.approx(1.05 * 1.5, rel=0.004)
    assert not sf.is_constant[0]


def test_a_smooth_hole_below_zero_between_the_points_of_the_scan_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"value -0\.\d+ for flavour 5 at \|eta\| = 1\.\d+, pT = 4\d\.\d+ GeV"):
        peaked(tmp_path / "sf.json", ("pt", "abseta"), -1.3)


@pytest.mark.parametrize(
    "inputs", [("discriminant", "pt", "flavor", "abseta"), ("abseta", "systematic", "pt", "flavor", "discriminant")]
)
def test_inputs_are_found_by_name(tmp_path, inputs):
    data = by_flavour(b=binning("pt", [20, 50, 100], [1.5, STEPS]))
    if "systematic" in inputs:
        data = schemav2.Category(
            nodetype="category", input="systematic",
            content=[schemav2.CategoryItem(key=k, value=v) for k, v in (("central", data), ("up", by_flavour(b=2.0)))],
        )  # fmt: skip
    path = write(tmp_path / "sf.json.gz", data, inputs)
    sf = true_sf.load(path, "sf")
    assert sf.evaluate(
        np.array([5, 5]), np.array([0.1, 0.1]), np.array([30.0, 70.0]), np.array([0.5, 0.5])
    ).tolist() == [1.5, 0.9]
    if "systematic" in inputs:
        assert true_sf.load(path, "sf", "up").ceilings[0] == 2.0


def test_jets_outside_the_table_take_its_border_and_untagged_jets_are_one(tmp_path):
    table = binning("abseta", [0, 1.0, 2.4], [1.5, binning("pt", [30, 50, 100], [0.5, 0.7], "error")], "error")
    sf = true_sf.load(write(tmp_path / "sf.json", by_flavour(b=table)), "sf")
    values = sf.evaluate(
        np.array([5, 5, 5, 5]), np.array([2.45, 2.45, 2.5, 4.0]), np.array([20.0, 500.0, 60.0, 60.0]), np.full(4, 0.5)
    )
    assert values.tolist() == [0.5, 0.7, 1.0, 1.0]


@pytest.mark.parametrize(
    ("data", "inputs", "arguments", "message"),
    [
        (by_flavour(), DEFAULT_INPUTS, ("other",), "no correction 'other'; name one of ['sf']"),
        (1.0, ("flavor", "abseta", "pt"), ("sf",), "its inputs are flavor (int), abseta (real), pt (real); take"),
        (1.0, (*DEFAULT_INPUTS, "phi"), ("sf",), "take a correction of systematic (string), flavor (int), abseta"),
        (by_flavour(c=None), DEFAULT_INPUTS, ("sf",), "no value for flavour 4 and systematic 'central'"),
        (by_flavour(udsg=binning("discriminant", [-15, 0, 0.5, 1.1], [1, -0.2, 1])), DEFAULT_INPUTS, ("sf",),
         "value -0.2 for flavour 0 at |eta| = 0, pT = 20 GeV, discriminant = 0; it must be >= 0"),
    ],
)  # fmt: skip
def test_unusable_tables_are_refused_with_the_reason(tmp_path, data, inputs, arguments, message):
    path = write(tmp_path / "sf.json", data, inputs)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        true_sf.load(path, *arguments)
    assert str(path) in str(caught.value)


def test_a_missing_or_broken_file_is_named(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    for name in ("bad.json", "none.json"):
        with pytest.raises(ValueError, match=f"generator.true_sf: .*{name}: not a readable correctionlib file"):
            true_sf.load(tmp_path / name, "sf")


def test_tables_of_run_3_are_a_truth_whose_jets_without_a_score_have_one(tmp_path):
    path = tmp_path / "sf.json"
    path.write_text(json.dumps({"schema_version": 2, "corrections": [run3_table.tree()]}))
    sf = true_sf.load(path, run3_table.NAME)
    # twice 1.5, the last constant above 60 GeV
    assert sf.ceilings == pytest.approx([1.05 * 3.0, 1.0, 1.05 * 0.9 * 3.0])
    assert sf.is_constant.tolist() == [False, True, False]
    codes, scores = np.array([5, 0, 4, 5, 5]), np.array([-1.0, -2.0, -1.0, 0.1, 0.5])
    values = sf.evaluate(codes, np.full(5, 0.3), np.array([30.0, 30, 30, 30, 1e3]), scores)
    np.testing.assert_allclose(values, [1.0, 1.0, 1.0, 0.9, 2 * run3_table.cubic(0.5)], rtol=1e-14)
    with pytest.raises(ValueError, match="no value for flavour 5 and systematic 'up_cferr1'; choose a systematic"):
        true_sf.load(path, run3_table.NAME, "up_cferr1")


def test_the_input_that_a_table_refuses_is_named(tmp_path):
    short = binning("discriminant", [0, 0.9], [1.1], "error")
    with pytest.raises(ValueError, match=r"sf, flavour 5: sf: discriminant 0\.9\S* is outside of 0 to 0\.9 "):
        true_sf.load(write(tmp_path / "sf.json", by_flavour(b=short)), "sf")


def test_a_public_table_fits():
    reference = os.environ.get("DEEPSF_REFERENCE_SF")
    if not reference:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    sf = true_sf.load(Path(reference), "deepJet_shape")
    assert 1.2 < sf.ceilings[0] < 3.0
    assert sf.ceilings[1] == 1.0
    values = sf.evaluate(
        np.array([5, 0, 4]), np.array([2.499, 2.499, 0.1]), np.array([15.0, 2000.0, 50.0]), np.array([0.5, -1, 0.5])
    )
    assert ((values > 0.3) & (values < 2.0)).all()
