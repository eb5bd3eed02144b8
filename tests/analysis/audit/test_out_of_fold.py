"""Closure of members at events that they were not trained on, on a sample where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from deepsf.audit.methods import AuditedRegion, EntryValues
from deepsf.audit.out_of_fold import chi2_out_of_fold
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries

EDGES = np.linspace(0.0, 1.0, 6)


class Steps:
    """A member whose scale factor of b jets is a number by fifth of the score."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def evaluate(self, flavour, jets, *, normalised=True):
        return self.values[np.clip((jets.discriminant * 5).astype(int), 0, 4)]


class Ensemble:
    def __init__(self, *members):
        self.members = members


def jets(score, flavour):
    one = np.ones(len(score), np.float32)
    return Jets(30 * one, one, score.astype(np.float32), np.full(len(score), flavour, np.int8))


def region(rng, n_data=4000, n_simulated=8000, **weighted):
    samples = []
    for n, flavour, weight in ((n_data, -1, 1.0), (n_simulated, 0, n_data / n_simulated)):
        score = rng.random(n)
        samples.append(
            ProbeEntries(np.arange(n), np.full(n, weight), np.zeros(n, np.int8), *(jets(score, flavour),) * 2)
        )
    entries = RegionEntries(*samples)
    ones, weight = np.ones(n_simulated), entries.simulation.weight
    values = {name: EntryValues(ones, ones) for name in ("none", "deepsf", "binned")}
    return AuditedRegion(entries, "b", ("b",), values, dict.fromkeys(values, weight), dict.fromkeys(values, weight))


def folds(rng, audited, number):
    sizes = len(audited.entries.data), len(audited.entries.simulation)
    return [tuple(rng.random(size) < 0.2 for size in sizes) for _ in range(number)]


def learnt(audited, fold):
    """Return the scale factors that describe exactly the data outside of a fold."""
    data, simulation = audited.entries.data, audited.entries.simulation
    counts = [
        np.bincount((sample.probe.discriminant[~out] * 5).astype(int), sample.weight[~out], 5)
        for sample, out in zip((data, simulation), fold, strict=True)
    ]
    return counts[0] / counts[1]


def test_members_that_know_their_training_data_by_heart_are_seen_to_do_so_out_of_fold_alone():
    rng = np.random.default_rng(1)
    audited, number = region(rng, 2000, 200_000), 40
    own = folds(rng, audited, number)
    ensemble = Ensemble(*(Steps(learnt(audited, fold)) for fold in own))
    found = chi2_out_of_fold(audited, EDGES, {"deepsf": ensemble}, {"deepsf": own})["deepsf"]
    # a fifth of the data tests what four fifths give: the variance of the latter is a quarter, and is not in the errors
    assert found["chi2"] / found["ndf"] == pytest.approx(1.25, abs=0.25)
    on_training = [tuple(~part for part in fold) for fold in own]
    inside = chi2_out_of_fold(audited, EDGES, {"deepsf": ensemble}, {"deepsf": on_training})["deepsf"]
    assert inside["chi2"] < 1e-6


def test_no_scale_factor_is_tested_on_the_folds_of_deepsf_and_binned_methods_are_not():
    rng = np.random.default_rng(2)
    audited = region(rng)
    own = folds(rng, audited, 30)
    ensemble = Ensemble(*(Steps(np.ones(5)) for _ in own))
    found = chi2_out_of_fold(audited, EDGES, {"deepsf": ensemble}, {"deepsf": own})
    assert set(found) == {"deepsf", "none"}
    assert found["none"] == pytest.approx(found["deepsf"])
    assert found["none"]["n_folds"] == 30
    assert found["none"]["ndf"] == 4
    assert found["none"]["p"] == pytest.approx(chi2.sf(found["none"]["chi2"], 4))
    assert found["none"]["chi2"] == pytest.approx(4, abs=1.5)


def test_a_wrong_member_fails():
    rng = np.random.default_rng(3)
    audited = region(rng)
    own = folds(rng, audited, 4)
    wrong = Ensemble(*(Steps([0.5, 1, 1, 1, 1.5]) for _ in own))
    assert chi2_out_of_fold(audited, EDGES, {"deepsf": wrong}, {"deepsf": own})["deepsf"]["p"] < 1e-4


def test_each_member_needs_its_fold():
    rng = np.random.default_rng(4)
    audited = region(rng)
    with pytest.raises(ValueError, match="zip"):
        chi2_out_of_fold(audited, EDGES, {"deepsf": Ensemble(Steps(np.ones(5)))}, {"deepsf": []})
