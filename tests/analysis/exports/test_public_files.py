"""Public scale factors of CMS: read with our code they have the published values, and our writers rebuild them."""

from __future__ import annotations

import os
from pathlib import Path

import correctionlib
import numpy as np
import pytest

from deepsf.exports.btv_csv import read_csv, write_csv
from deepsf.exports.corrections import Label, correction_set_text, read_correction
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.stored_shapes import read_shapes
from deepsf.exports.systematics import systematic_of
from tests.analysis.exports.conftest import points
from tests.oracles.shape_tables import evaluate

NAME = "deepJet_shape"


@pytest.fixture(scope="module")
def reference():
    path = os.environ.get("DEEPSF_REFERENCE_SF")
    if not path:
        pytest.skip("DEEPSF_REFERENCE_SF does not name a public BTV file with deepJet_shape")
    return Path(path)


@pytest.fixture(scope="module")
def public_csv(reference):
    def named(name):
        path = reference.parent / name
        if not path.is_file():
            pytest.skip(f"no {name} beside the file that DEEPSF_REFERENCE_SF names")
        return path

    return named


def test_the_public_table_is_read_with_its_values_and_rebuilt_to_the_last_bit(reference):
    published = correctionlib.CorrectionSet.from_file(str(reference))[NAME]
    shapes = read_shapes(read_correction(reference, NAME))
    assert {code: len(tables) for code, tables in shapes.items()} == {0: 87, 4: 5, 5: 87}
    label = Label(NAME, "deepJet", "btagDeepFlavB", "2017_UL")
    rebuilt = correctionlib.CorrectionSet.from_string(correction_set_text([shape_correction(shapes, label)], ""))[NAME]
    jets = points(5000)
    axes = (jets.abseta.astype(float), jets.pt_gev.astype(float), jets.discriminant.astype(float))
    for code, tables in shapes.items():
        for shift, table in tables.items():
            values = published.evaluate(systematic_of(shift), code, *axes)
            np.testing.assert_array_equal(rebuilt.evaluate(systematic_of(shift), code, *axes), values)
            np.testing.assert_allclose(evaluate(table, *axes), values, rtol=1e-13, err_msg=f"{shift}, flavour {code}")


def test_the_safe_form_of_the_public_table_has_its_values_to_the_last_bit_and_central_elsewhere(reference):
    published = correctionlib.CorrectionSet.from_file(str(reference))[NAME]
    label = Label("safe", "deepJet", "btagDeepFlavB", "2017_UL")
    text = correction_set_text([safe_correction(read_correction(reference, NAME), label)], "")
    safe = correctionlib.CorrectionSet.from_string(text)["safe"]
    jets = points(5000)
    axes = (jets.abseta.astype(float), jets.pt_gev.astype(float), jets.discriminant.astype(float))
    for code, systematic, same_as in ((5, "up_lf", "up_lf"), (4, "up_cferr1", "up_cferr1"), (4, "up_lf", "central")):
        np.testing.assert_array_equal(
            safe.evaluate(systematic, code, *axes), published.evaluate(same_as, code, *axes), err_msg=systematic
        )
    with pytest.raises(IndexError):
        published.evaluate("up_lf", 4, 1.0, 60.0, 0.4)


def test_the_public_table_survives_the_csv(reference, tmp_path):
    shapes = read_shapes(read_correction(reference, NAME))
    write_csv(tmp_path / "sf.csv", shapes, "deepJet")
    tagger, again = read_csv(tmp_path / "sf.csv")
    assert tagger == "deepJet"
    assert again == shapes


def test_a_public_csv_is_rebuilt_and_survives_json(public_csv, tmp_path):
    tagger, shapes = read_csv(public_csv("DeepFlavour_94XSF_V4_B_F.csv.gz"))
    assert tagger == "DeepFlavour"
    assert {code: len(tables) for code, tables in shapes.items()} == {5: 67, 4: 7, 0: 67}
    # the first of its b rows of down_hfstats2, 20 to 30 GeV: 0 below 0, then 1.54437875748 up to 0.086
    table = shapes[5]["hfstats2_down"]
    np.testing.assert_array_equal(evaluate(table, [0.3, 0.3], [25.0, 25.0], [-1.0, 0.05]), [0.0, 1.54437875748])
    write_csv(tmp_path / "sf.csv", shapes, tagger)
    assert read_csv(tmp_path / "sf.csv") == (tagger, shapes)
    assert read_shapes(shape_correction(shapes, Label("a", tagger, "branch", "2017"))) == shapes


def test_an_old_public_csv_of_other_formulas_is_read(public_csv):
    tagger, shapes = read_csv(public_csv("coffea_testBTagSF.csv"))
    assert (tagger, set(shapes)) == ("CSVv2", {5, 4, 0})
    # 0.861376 + 0.830898 x between 0.1356 and 0.4069
    value = evaluate(shapes[5]["nominal"], [0.5], [25.0], [0.2])
    assert value[0] == pytest.approx(0.861376 + 0.830898 * 0.2, abs=1e-12)


def test_event_weights_work_with_the_public_file(reference):
    correction = ShapeCorrection.load(reference, NAME)
    published = correctionlib.CorrectionSet.from_file(str(reference))[NAME]
    values = correction.evaluate([5, 4, 0], [0.1, 0.2, 0.3], [50.0, 60.0, 70.0], [0.9, 0.5, 0.1], "cferr1_up")
    expected = [
        published.evaluate("central", 5, 0.1, 50.0, 0.9),
        published.evaluate("up_cferr1", 4, 0.2, 60.0, 0.5),
        published.evaluate("central", 0, 0.3, 70.0, 0.1),
    ]
    np.testing.assert_array_equal(values, expected)
