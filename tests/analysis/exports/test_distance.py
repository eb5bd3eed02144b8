"""How far a correction is from an ensemble."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.corrections.correction import Correction
from deepsf.exports.distance import Distance, distances, some_jets
from tests.analysis.exports.conftest import inclusive_jets, points


def constant(value):
    names = {"systematic": "string", "flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
    inputs = [{"name": name, "type": kind} for name, kind in names.items()]
    tree = {"name": "x", "version": 1, "inputs": inputs, "output": {"name": "weight", "type": "real"}, "data": value}
    return Correction.of_tree(tree)


def test_it_is_that_of_the_mean_over_members(ensemble):
    jets = points(1000)
    away = np.abs(ensemble.member_values("b", jets).mean(axis=0) - 1.1)
    found = Distance.of(distances(ensemble, constant(1.1), "b", 5, jets))
    assert (found.rms, found.largest) == pytest.approx((np.sqrt((away**2).mean()), away.max()))
    assert found.rms < found.of_99_percent < found.largest
    # c jets have 1
    assert (
        str(Distance.of(distances(ensemble, constant(1.25), "c", 4, jets)))
        == "0.25 (99 % of jets: 0.25; largest: 0.25)"
    )


def test_some_jets_lie_all_over_the_sample():
    sample = inclusive_jets(2000)
    jets = some_jets(sample, 3)
    assert jets.pt_gev.tolist() == sample.jets.pt_gev[[0, 999, 1999]].tolist()
    assert len(some_jets(sample, 5000)) == 2000
