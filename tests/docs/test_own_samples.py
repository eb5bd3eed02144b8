"""The code of docs/own-samples.md runs as it is written there, on events as an analysis has them."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from deepsf.efficiency import EfficiencyEnsemble, events_of_jets
from tests.analysis.efficiency.exports.ensembles import CODES
from tests.docs.documents import ROOT, run, simulated


def test_an_ensemble_is_trained_on_arrays(tmp_path, monkeypatch):
    given = simulated(400)
    ak.to_parquet(given, tmp_path / "simulated.parquet")
    monkeypatch.chdir(tmp_path)
    run(ROOT / "docs" / "own-samples.md")
    ensemble = EfficiencyEnsemble.load("own.safetensors")
    assert ensemble.n_members == 4
    assert (ensemble.flavours, ensemble.working_points) == (("b", "c", "udsg"), ("L", "M"))
    score = ak.to_numpy(ak.flatten(given.jets.btagDeepFlavB))
    events = events_of_jets(given.jets, CODES, working_points=("L", "M"))
    weight = np.repeat(ak.to_numpy(given.genWeight), events.n_jets)
    # scores know nothing of the jets: efficiencies are the tagged fractions, within the errors of 1000 jets
    for k, cut in enumerate((0.0532, 0.3040)):
        tagged = np.average(score > cut, weights=weight)
        assert ensemble.evaluate(events).mean[:, k].mean() == pytest.approx(tagged, abs=0.03)
