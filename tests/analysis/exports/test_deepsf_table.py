"""The ensemble as a table: close to the networks inside, constant where they are, exact about its own error."""

from __future__ import annotations

import correctionlib
import numpy as np
import pytest

from deepsf.config.exports import DeepSFTable
from deepsf.exports.corrections import correction_set_text
from deepsf.exports.deepsf_table import deepsf_correction, ensemble_table, interpolation_error
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.exports.conftest import points


def correction_of(ensemble, label, size):
    tables = {f: ensemble_table(ensemble, f, size, abseta_max=2.5) for f in ("b", "udsg")}
    tree = deepsf_correction({5: tables["b"], 4: None, 0: tables["udsg"]}, label, "")
    return correctionlib.CorrectionSet.from_string(correction_set_text([tree], ""))[label.name]


@pytest.fixture
def correction(ensemble, label):
    return correction_of(ensemble, label, DeepSFTable(n_pt=12, n_abseta=12, n_discriminant=40))


def test_central_and_error_follow_the_ensemble(ensemble, correction):
    jets = points(5000)
    for flavour, code in (("b", 5), ("udsg", 0)):
        members = ensemble.member_values(flavour, jets)
        mean, sem = members.mean(axis=0), members.std(axis=0, ddof=1) / 2.0
        assert np.ptp(mean) > 0.2
        assert sem.mean() > 0.01
        for systematic, expected in (("central", mean), ("up_sem", mean + sem), ("down_sem", mean - sem)):
            values = correction.evaluate(systematic, code, jets.abseta, jets.pt_gev, jets.discriminant)
            assert np.sqrt(np.mean((values - expected) ** 2)) < 0.005, (flavour, systematic)
            assert np.abs(values - expected).max() < 0.03


def test_the_table_is_exact_at_both_sides_of_an_edge_of_the_normalisation(ensemble, correction):
    below = np.nextafter(np.float32(31.5), np.float32(0))
    for pt in (below, np.float32(31.5)):
        jets = Jets(*(np.array([v], np.float32) for v in (pt, 0.0, -1.0)), np.zeros(1, np.int8))
        expected = ensemble.member_values("b", jets).mean()
        assert correction.evaluate("central", 5, 0.0, float(pt), -1.0) == pytest.approx(expected, abs=1e-5)
    sides = [correction.evaluate("central", 5, 0.0, float(pt), -1.0) for pt in (below, 31.5)]
    assert abs(sides[0] - sides[1]) > 1e-3


def test_beyond_the_range_of_the_training_it_is_constant_as_the_networks_are(ensemble, correction):
    pt = np.array([1.5, 5.0, 19.0, 700.0, 5000.0, 1e5], np.float32)
    scores = np.array([0.0, 1e-5, 0.5, 0.99999, 1.0, -1.0], np.float32)
    grid = [axis.ravel() for axis in np.meshgrid(pt, np.float32([0.3, 2.2]), scores, indexing="ij")]
    expected = ensemble.member_values("udsg", Jets(*grid, np.zeros(grid[0].size, np.int8))).mean(axis=0)
    values = correction.evaluate("central", 0, grid[1], grid[0], grid[2])
    assert np.isfinite(values).all()
    assert np.abs(values - expected).max() < 0.03
    by_pt, by_score = values.reshape(2, 3, 2, 6), values.reshape(6, 2, 6)
    assert np.ptp(by_pt, axis=1).max() < 1e-5
    assert np.abs(by_score[..., [0, 3]] - by_score[..., [1, 4]]).max() < 1e-5


def test_charm_is_one_and_has_no_shift(correction):
    assert correction.evaluate("central", 4, 1.0, 50.0, 0.5) == 1.0
    with pytest.raises(IndexError):
        correction.evaluate("up_sem", 4, 1.0, 50.0, 0.5)
    with pytest.raises(RuntimeError, match="bounds"):
        correction.evaluate("central", 5, 2.5, 50.0, 0.5)


def test_a_finer_table_is_closer(ensemble, label):
    jets = points(3000)
    sample = InclusiveJets(np.arange(3000), np.ones(3000), jets)
    sizes = (DeepSFTable(n_pt=3, n_abseta=2, n_discriminant=8), DeepSFTable(n_pt=12, n_abseta=10, n_discriminant=40))
    rms = []
    for size in sizes:
        error = interpolation_error(ensemble, correction_of(ensemble, label, size), "b", 5, sample, 3000)
        assert 0 < error.rms < error.of_99_percent < error.largest
        rms.append(error.rms)
    assert rms[1] < rms[0] / 4
