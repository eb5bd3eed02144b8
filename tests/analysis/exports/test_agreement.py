"""What is in the files is what was measured: JSON, CSV and the measurement's own evaluation."""

from __future__ import annotations

from dataclasses import replace

import correctionlib
import numpy as np
import pytest

from deepsf.exports.btv_csv import read_csv, write_csv
from deepsf.exports.corrections import read_correction, write_corrections
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.exports.stored_shapes import read_shapes
from deepsf.exports.systematics import systematic_of
from tests.analysis.exports.conftest import CODES, FLAVOURS, measurement, points
from tests.oracles.shape_tables import evaluate


@pytest.fixture(params=["logit", "identity"])
def forms(request, tmp_path, label):
    """Return the measurement and its exports: functions of (shift, flavour, jets)."""
    binned = measurement(request.param)
    shapes = shapes_of(binned, FLAVOURS)
    strict = shape_correction(shapes, label)
    safe = safe_correction(strict, replace(label, name="safe"))
    write_corrections(tmp_path / "strict.json.gz", [strict], "")
    write_corrections(tmp_path / "safe.json.gz", [safe], "")
    write_csv(tmp_path / "shape.csv.gz", shapes, "deepJet")
    _, from_csv = read_csv(tmp_path / "shape.csv.gz")
    from_json = read_shapes(read_correction(tmp_path / "strict.json.gz"))

    def of_json(file, name):
        correction = correctionlib.CorrectionSet.from_file(str(tmp_path / file))[name]
        return lambda shift, code, j: correction.evaluate(
            systematic_of(shift), code, j.abseta, j.pt_gev, j.discriminant
        )

    def of_shapes(tables):
        return lambda shift, code, j: evaluate(tables[code][shift], j.abseta, j.pt_gev, j.discriminant)

    return binned, {
        "strict": of_json("strict.json.gz", "deepJet_shape"),
        "safe": of_json("safe.json.gz", "safe"),
        "csv": of_shapes(from_csv),
        "json read back": of_shapes(from_json),
    }


def test_all_forms_agree_at_a_million_points(forms):
    binned, exports = forms
    jets = points(1_000_000)
    for flavour in ("b", "udsg"):
        measured = binned.evaluate(flavour, jets, "binned_smooth")
        assert np.ptp(measured) > 0.5
        for form, values in exports.items():
            worst = np.abs(values("nominal", CODES[flavour], jets) - measured).max()
            assert worst < 1e-6, (flavour, form)


def test_all_forms_agree_in_every_shift(forms):
    binned, exports = forms
    jets = points(20_000)
    compared = 0
    for flavour, table in binned.tables.items():
        for shift in table.shift_names:
            measured = binned.evaluate(flavour, jets, "binned_smooth", shift=shift)
            for form, values in exports.items():
                worst = np.abs(values(shift, CODES[flavour], jets) - measured).max()
                assert worst < 1e-6, (flavour, shift, form)
                compared += 1
    assert compared == 4 * (5 + 7 + 5)


def test_beyond_pt_and_score_the_outer_bins_hold_as_in_the_measurement(forms):
    binned, exports = forms
    far = points(2000)
    far.pt_gev[:1000] = np.geomspace(1, 19, 1000)
    far.pt_gev[1000:] = np.geomspace(1001, 1e6, 1000)
    far.discriminant[::2] = np.linspace(1.0, 3.0, 1000)
    far.discriminant[1::4] = -100.0
    for flavour in ("b", "udsg"):
        measured = binned.evaluate(flavour, far, "binned_smooth")
        for form, values in exports.items():
            assert np.abs(values("nominal", CODES[flavour], far) - measured).max() < 1e-6, (flavour, form)
