"""The code of docs/using-scale-factors.md runs as it is written there, on NanoAOD-like events and exported files."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from deepsf.errors.method_errors import Refits
from deepsf.networks.scale_factor import EnsembleScaleFactor
from tests.analysis.exports.conftest import method_errors
from tests.analysis.networks.random_members import CODES, member
from tests.docs.documents import ROOT, run, write_networks, write_scale_factors

DOCUMENT = ROOT / "docs" / "using-scale-factors.md"


@pytest.fixture
def namespace(make_nanoaod, tmp_path, monkeypatch):
    """Run all Python blocks of the document in a folder with the files that it names."""
    lines = write_scale_factors(tmp_path)
    write_networks(tmp_path)
    assert len(lines) == 1
    assert lines[0].startswith("deepJet_shape: bins of the normalisation maps without simulation: ")
    make_nanoaod(n_events=300, replace={"Jet_mass": np.float32(10.0)})
    EnsembleScaleFactor((member(1), member(2)), CODES).save(tmp_path / "ensemble.safetensors")
    Refits(tuple(member(seed) for seed in range(3, 7))).save(tmp_path / "refits.safetensors", CODES)
    monkeypatch.chdir(tmp_path)
    return run(DOCUMENT)


def test_the_document_runs_and_its_processor_gives_the_sum_of_event_weights(namespace):
    counts, correction, events = namespace["counts"], namespace["correction"], namespace["events"]
    by_shift = dict(zip(counts.axes["shift"], counts.values().sum(axis=1), strict=True))
    assert set(by_shift) == {"nominal", "lf_up", "lf_down"}
    # by hand: jet by jet
    r = namespace["correctionlib"].CorrectionSet.from_file("normalisation_maps.json")["deepJet_shape_normalisation"]
    for shift, systematic in (("nominal", "central"), ("lf_up", "up_lf")):
        total = 0.0
        for jets, weight in zip(events.Jet, events.genWeight, strict=True):
            chosen = [j for j in jets if j.pt > 20 and abs(j.eta) < 2.5]
            if not 2 <= len(chosen) < 10:
                continue
            for j in chosen:
                own = systematic if j.hadronFlavour != 4 else "central"
                score = (own, int(j.hadronFlavour), abs(float(j.eta)), float(j.pt), float(j.btagDeepFlavB))
                weight *= correction.correction.evaluate(*score)
            ht = float(sum(np.float32(j.pt) for j in chosen))
            total += weight * r.evaluate("ttbar", systematic, len(chosen), ht)
        assert by_shift[shift] == pytest.approx(total, rel=1e-5)
    assert abs(by_shift["lf_up"] - by_shift["nominal"]) > 1e-3


def test_the_weights_of_the_document(namespace):
    correction = namespace["correction"]
    assert ak.to_list(namespace["central"])[1] == 1.0
    jets = [5, 4, 0], [0.4, 1.9, 0.7], [62.0, 31.0, 48.0], [0.93, 0.21, -1.0]
    central, up = correction.evaluate(*jets), correction.evaluate(*jets, "lf_up")
    assert namespace["central"][0] == pytest.approx(central[0] * central[1])
    assert namespace["b_or_light"][0] == pytest.approx(up[0] * central[1])
    np.testing.assert_allclose(namespace["weights"], [up[0] * central[1], up[2]])


def test_replicas_spread_by_the_statistical_error(namespace):
    ensemble, yields = namespace["ensemble"], namespace["yields"]
    assert len(yields) == 4
    # an event of a b and a c jet, whose scale factor is 1, and one without jets
    b = ensemble.evaluate("b", 0.4, 62.0, 0.93, replica=0)
    assert yields[0] == pytest.approx(1.0 + float(b.mean), rel=1e-6)
    assert namespace["statistical_error"] == pytest.approx(np.std(yields, ddof=1))


def test_networks_weight_events_in_both_forms(namespace):
    networks, n_jets = namespace["networks"], ak.num(namespace["jets"])
    jets = [5, 4], [0.4, 1.9], [62.0, 31.0], [0.93, 0.21]
    by_hand = networks.evaluate(*jets)
    assert by_hand[0] != pytest.approx(1.0, abs=1e-3)
    assert by_hand[1] == 1.0
    assert namespace["of_networks"].tolist() == pytest.approx([by_hand[0] * by_hand[1], 1.0])
    errors = method_errors()
    b = errors.ensemble.evaluate(5, 0.4, 62.0, 0.93)
    assert namespace["of_onnx"].tolist() == pytest.approx([b.mean.item(), 1.0], rel=1e-5)
    assert namespace["train"].tolist() == pytest.approx([b.sem.item(), 0.0], rel=1e-5)
    assert namespace["is_extrapolated"].tolist() == [False, False]
    assert len(namespace["train"]) == sum(n_jets)


def test_maps_of_ones_own_keep_the_yield(namespace):
    # one event a bin: in each, weight times r is the weight without scale factors
    np.testing.assert_allclose(namespace["normalised"], namespace["generator_weight"], rtol=1e-8)
    assert namespace["r"][0] != pytest.approx(1.0, abs=1e-3)
    assert "Made on events with two leptons." in namespace["own"].description
