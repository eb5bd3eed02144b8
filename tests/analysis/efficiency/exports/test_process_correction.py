"""Ratios of processes for correctionlib: their own numbers, by flavour and pT, with their errors."""

from __future__ import annotations

import correctionlib
import numpy as np
import pytest

from deepsf.efficiency.exports.write import write_process_ratios
from deepsf.efficiency.process_ratios import ProcessRatios

CODES = {"b": (5,), "udsg": (0, 3)}
RATIOS = ProcessRatios(
    np.array([20.0, 50.0, 300.0]),
    *(np.array(pair) for pair in ([1.2, 0.9], [0.1, 0.2], [1.1, 1.0], [0.03, 0.04], [0.01, 0.0])),
)


@pytest.fixture
def corrections(tmp_path):
    path = tmp_path / "ratios.json.gz"
    write_process_ratios(path, {"zz": {"b": {"M": RATIOS}}, "ww": {}}, hadron_flavours=CODES, head="For tests.")
    return correctionlib.CorrectionSet.from_file(str(path))


def test_nominal_and_each_error_are_the_numbers_of_the_bin(corrections):
    assert sorted(corrections) == ["zz_mc_mc", "zz_residual"]
    assert corrections["zz_mc_mc"].description.startswith("For tests. MC/MC scale factor, tag rate of jets of zz over")
    value = corrections["zz_mc_mc"].evaluate
    assert [value("nominal", "M", 5, pt) for pt in (10.0, 49.0, 50.0, 900.0)] == [1.2, 1.2, 0.9, 0.9]
    assert value("up_stat", "M", 5, 30.0) == pytest.approx(1.3)
    assert value("down_stat", "M", 5, 80.0) == pytest.approx(0.7)
    residual = corrections["zz_residual"].evaluate
    assert residual("up_spread", "M", 5, 30.0) == pytest.approx(1.11)
    assert residual("down_stat", "M", 5, 80.0) == pytest.approx(0.96)


def test_what_was_not_measured_is_an_error(corrections):
    with pytest.raises(IndexError):
        corrections["zz_mc_mc"].evaluate("nominal", "M", 0, 30.0)
    with pytest.raises(IndexError):
        corrections["zz_mc_mc"].evaluate("up_spread", "M", 5, 30.0)
