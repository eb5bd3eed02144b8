"""Errors by cell of all methods, to a file and back."""

from __future__ import annotations

import json

import numpy as np

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.errors.measure import errors_of, measure_errors
from deepsf.errors.method_errors import Refits
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.binned.by_hand import by_hand
from tests.analysis.errors.constant import ensemble, jets, member


def test_every_method_has_its_own_cells_and_all_share_the_repetitions():
    rng = np.random.default_rng(1)
    sample = InclusiveJets(np.zeros(500, np.int64), np.ones(500), jets(rng.uniform(size=500), rng.uniform(20, 90, 500)))
    refits = Refits((member(1.0), member(1.02)), member(1.0), {"lf_up": member(1.1)})
    ensembles = {"deepsf": ensemble(1.0, 1.2), "direct": ensemble(1.4, 1.4)}
    binned = BinnedScaleFactor({"b": by_hand()}, ())
    report = json.loads(json.dumps(measure_errors(ensembles, refits, binned, sample, ("b", "udsg"), [0.5])))
    assert report["shifts"] == ["lf_up"]
    found = errors_of(ensembles, dict.fromkeys(ensembles, refits), report, extrapolation=0.4)
    assert list(found) == ["deepsf", "direct"]
    # half of what the means differ by
    difference = found["deepsf"].cells["b"].model - found["direct"].cells["b"].model
    np.testing.assert_allclose(difference, 0.15, rtol=1e-5)
    assert found["deepsf"].refits is found["direct"].refits
    assert (found["direct"].cells["b"].rest > 0).all()
