"""Pile-up weights: nominal, shifted, and corrections that do not fit."""

import correctionlib.schemav2 as cs
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.pileup import Pileup
from deepsf.skim.pileup import PileupError, load_pileup


def pileup_file(path, flow="clamp", high=3.0):
    """Write a correction with weight 0.5 below 40 interactions and ``high`` above; 'up' doubles, 'down' halves both."""

    def binning(scale):
        return cs.Binning(
            nodetype="binning",
            input="NumTrueInteractions",
            edges=[0.0, 40.0, 60.0],
            content=[0.5 * scale, high * scale],
            flow=flow,
        )

    items = [
        cs.CategoryItem(key=key, value=binning(scale)) for key, scale in (("nominal", 1.0), ("up", 2.0), ("down", 0.5))
    ]
    correction = cs.Correction(
        name="pu",
        version=1,
        inputs=[cs.Variable(name="NumTrueInteractions", type="real"), cs.Variable(name="weights", type="string")],
        output=cs.Variable(name="weight", type="real"),
        data=cs.Category(nodetype="category", input="weights", content=items),
    )
    path.write_text(cs.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json())
    return str(path)


def test_pileup_weight_multiplies_the_generator_weight(make_nanoaod, skim, tmp_path):
    path = make_nanoaod(2000)
    plain, *_ = skim(path, "plain")
    pileup = Pileup(file=pileup_file(tmp_path / "pu.json"), name="pu", weights="up", shifts=None)
    weighted, entries, jets = skim(path, "pu", pileup=pileup)
    with uproot.open(path) as file:
        n_true = file["Events/Pileup_nTrueInt"].array(library="np")
    for table in (entries, jets):
        rows = pq.read_table(table).to_pandas()
        factor = np.where(n_true[rows.entry] < 40.0, 1.0, 6.0)
        np.testing.assert_array_equal(np.abs(rows.weight), 1.5 * factor)
    factors = np.where(n_true[rows.entry[rows["rank"] == 0]] < 40.0, 1.0, 6.0)
    assert weighted.pileup == {"n": len(factors), "sum": factors.sum()}
    assert weighted.pileup["n"] == weighted.weights["weight"]["n"] >= 100
    assert plain.pileup == {}
    assert plain.cut_flow == weighted.cut_flow
    assert plain.region_yields != weighted.region_yields
    assert plain.sum_weights == weighted.sum_weights


def test_pileup_shifts_are_ratios_to_the_nominal_weight(make_nanoaod, skim, tmp_path):
    path, file = make_nanoaod(), pileup_file(tmp_path / "pu.json")
    for shifts, expected in ((("up", "down"), (2.0, 0.5)), (("down", "up"), (0.5, 2.0))):
        report, *tables = skim(path, pileup=Pileup(file=file, name="pu", shifts=shifts))
        assert report.weight_shifts == ("pileup_up", "pileup_down")
        for table in tables:
            rows = pq.read_table(table)
            assert rows.num_rows > 0
            for name, ratio in zip(report.weight_shifts, expected, strict=True):
                assert set(rows[f"weight_{name}"].to_pylist()) == {ratio}
    report, entries, _ = skim(path, pileup=Pileup(file=file, name="pu", shifts=None))
    assert report.weight_shifts == ()
    assert not [name for name in pq.read_schema(entries).names if name.startswith("weight_")]


def test_a_correction_without_a_string_has_no_shifts_and_says_so(tmp_path, caplog):
    path = tmp_path / "pu.json"
    interactions = [cs.Variable(name="NumTrueInteractions", type="real")]
    output = cs.Variable(name="weight", type="real")
    alone = cs.Correction(name="alone", version=1, inputs=interactions, output=output, data=0.5)
    path.write_text(cs.CorrectionSet(schema_version=2, corrections=[alone]).model_dump_json())
    assert load_pileup(Pileup(file=str(path), name="alone")).shifts == ()
    assert caplog.messages == [f"{path}: correction 'alone' takes no string: the pile-up weight has no shifts"]


def test_an_event_of_no_pileup_weight_has_the_ratio_one(tmp_path):
    pileup = load_pileup(Pileup(file=pileup_file(tmp_path / "pu.json", high=0.0), name="pu"))
    nominal, ratios = pileup.evaluate(np.array([10.0, 50.0]))
    assert nominal.tolist() == [0.5, 0.0]
    assert ratios["pileup_up"].tolist() == [2.0, 1.0]


def test_pileup_files_that_do_not_fit_are_refused(tmp_path):
    path = pileup_file(tmp_path / "pu.json", flow="error", high=-1.0)
    with pytest.raises(PileupError, match=r"pu\.json: no correction 'other'; set pileup\.name to one of \['pu'\]"):
        load_pileup(Pileup(file=path, name="other"))
    with pytest.raises(PileupError, match=r"absent\.json: not a readable correctionlib file"):
        load_pileup(Pileup(file=str(tmp_path / "absent.json"), name="pu"))
    pileup = load_pileup(Pileup(file=path, name="pu"))
    with pytest.raises(PileupError, match=r"not defined for weights 'sideways'.*pileup\.shifts"):
        pileup.weight("sideways", np.array([10.0]))
    with pytest.raises(PileupError, match="Pileup_nTrueInt from 10 to 70"):
        pileup.weight("nominal", np.array([10.0, 70.0]))
    with pytest.raises(PileupError, match=r"gives the weight -1 at Pileup_nTrueInt 50 \(1 of 2 events\)"):
        pileup.weight("nominal", np.array([10.0, 50.0]))
