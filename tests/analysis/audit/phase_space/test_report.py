"""The audit of all phase spaces: what its report holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.audit.methods import Results
from deepsf.audit.phase_space.histograms import histograms_from_json
from deepsf.audit.phase_space.report import audit_phase_spaces
from deepsf.config.validation import Validation
from tests.analysis.audit.phase_space.jet_tables import binned, tables_in, write_jets
from tests.analysis.audit.test_ensemble_mean import ENSEMBLE


@pytest.fixture
def tables(tmp_path):
    simulated = {"score": [0.1, 0.3, 0.9, 0.5, 0.55], "flavour": [5, 0, 5, 4, 0]}
    write_jets(tmp_path / "b_jets.parquet", "ttbar", [2, 3], channel=[0, 0], weight=[4.0, 2.0], **simulated)
    write_jets(tmp_path / "a_jets.parquet", "data", [2], channel=[0], weight=[1.0], score=[0.1, 0.3], flavour=[-1, -1])
    return tables_in(tmp_path)


def test_every_ensemble_is_compared_and_its_table_checked(tables):
    results = Results(binned((1.0, 1.0, 1.0, 1.0)), ENSEMBLE, other={"direct": ENSEMBLE})
    result = audit_phase_spaces(tables, results, Validation(), abseta_max=2.5, head={"config": "toy"})
    report = json.loads(result.report)
    assert report["config"] == "toy"
    assert set(report["yields"]) == {"measurement", "closure", "validation"}
    for name in ("deepsf", "direct"):
        rms = report[f"{name}_interpolation_rms"]
        assert set(rms) == {"b", "udsg"}
        assert all(0 < value < 0.02 for value in rms.values())
    histograms = histograms_from_json(result.histograms)
    methods = ["none", "binned", "binned_smooth", "deepsf", "direct"]
    assert list(histograms["jets"].simulation.axes["method"]) == methods
    # one data event at the rate 1 / 6 of the simulated ones
    assert report["rate"]["ee"] == pytest.approx(1 / 6)


def test_the_truth_is_compared_as_any_method(tables):
    results = Results(binned((1.0, 1.0, 1.0, 1.0)), ENSEMBLE)

    def twice_the_b_jets(flavour, jets, *, normalised=True):
        return np.full(len(jets), 2.0 if flavour == "b" else 1.0)

    result = audit_phase_spaces(tables, results, Validation(), abseta_max=2.5, truth=twice_the_b_jets)
    yields = json.loads(result.report)["yields"]["closure"]["ee"]
    # events of 4 with one b jet and of 2 with another, at the rate 1 / 6
    assert yields["none"] == pytest.approx(1.0)
    assert yields["truth"] == pytest.approx(2.0)
    assert list(histograms_from_json(result.histograms)["jets"].simulation.axes["method"])[-1] == "truth"


def test_equal_inputs_give_equal_texts(tables):
    results = Results(binned((1.0, 2.0, 0.5, 1.0)), ENSEMBLE)
    first, second = (audit_phase_spaces(tables, results, Validation(), abseta_max=2.5) for _ in range(2))
    assert first == second
