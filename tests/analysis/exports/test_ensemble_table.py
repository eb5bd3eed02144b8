"""An ensemble as a table: close to the networks inside, constant where they are, exact about its own error."""

from __future__ import annotations

from functools import partial

import correctionlib
import numpy as np
import pytest
from scipy.special import expit

from deepsf.config.exports import DeepSFTable
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import keys
from deepsf.errors.components import named_shifts, statistical_components
from deepsf.exports.corrections import Label, correction_set_text
from deepsf.exports.distance import Distance, distances
from deepsf.exports.ensemble_table import ensemble_correction, ensemble_table
from deepsf.exports.shape_correction import shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.probes.entries import Jets
from tests.analysis.exports.conftest import FLAVOURS, inclusive_jets, measurement, points


def correction_of(errors, label, size, *, shifts=True):
    samples = {"b": inclusive_jets().of(0), "udsg": inclusive_jets().of(2)}
    components = statistical_components(errors, samples)
    tables = {}
    for f in samples:
        shifted = partial(named_shifts, errors, f, components=components) if shifts else None
        tables[f] = ensemble_table(errors.ensemble, f, size, shifted, abseta_max=2.5)
    binned = shape_correction(shapes_of(measurement(), FLAVOURS, 2.5, "shapes"), label)
    return ensemble_correction({5: tables["b"], 4: None, 0: tables["udsg"]}, binned, label, "")


def evaluator(tree):
    return correctionlib.CorrectionSet.from_string(correction_set_text([tree], ""))[tree["name"]]


@pytest.fixture(scope="module")
def tree(errors):
    label = Label("deepJet_deepsf", "deepJet", "btagDeepFlavB", "toy")
    return correction_of(errors, label, DeepSFTable(n_pt=12, n_abseta=8, n_discriminant=30))


@pytest.fixture(scope="module")
def correction(tree):
    return evaluator(tree)


def test_central_and_shifts_follow_the_ensemble(errors, correction):
    jets = points(5000)
    for flavour, code in (("b", 5), ("udsg", 0)):
        members, at = errors.ensemble.member_values(flavour, jets), errors.at(flavour, jets)
        mean, sem = members.mean(axis=0), members.std(axis=0, ddof=1) / 2.0
        assert np.ptp(mean) > 0.2
        assert sem.mean() > 0.01
        hf = np.maximum(mean + at.shifts["hf_up"], 0.0)
        for systematic, expected in (
            ("central", mean),
            ("up_train", mean + sem),
            ("down_train", mean - sem),
            ("down_model", mean - 0.02),
            ("up_hf", hf),
        ):
            values = correction.evaluate(systematic, code, jets.abseta, jets.pt_gev, jets.discriminant)
            assert np.sqrt(np.mean((values - expected) ** 2)) < 0.01, (
                flavour,
                systematic,
            )
            assert np.abs(values - expected).max() < 0.08


def test_the_table_is_exact_at_its_nodes_and_has_no_steps(errors, label):
    table = ensemble_table(errors.ensemble, "b", DeepSFTable(n_pt=3, n_abseta=2, n_discriminant=8), abseta_max=2.5)
    binned = shape_correction(shapes_of(measurement(), FLAVOURS, 2.5, "shapes"), label)
    correction = evaluator(ensemble_correction({5: table, 4: None, 0: None}, binned, label, ""))
    score = float(expit(table.node[3]))
    for pt in table.pt_gev[1:-1]:
        sides = [correction.evaluate("central", 5, 1.25, pt * (1 + side), score) for side in (-1e-6, 1e-6)]
        assert sides == pytest.approx([table.values[0, list(table.pt_gev).index(pt), 1, 4]] * 2, abs=1e-4)


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


def test_the_statistical_shifts_add_up_to_the_bootstraps_and_the_floor(errors, tree, correction):
    jets = points(2000)
    names = [name for name in keys(tree["data"], "systematic") if name.startswith("up_stat")]
    assert len(names) > 2
    for flavour, code in (("b", 5), ("udsg", 0)):
        values = {
            n: correction.evaluate(n, code, jets.abseta, jets.pt_gev, jets.discriminant) for n in ("central", *names)
        }
        found = np.sqrt(sum((values[name] - values["central"]) ** 2 for name in names))
        expected = np.hypot(errors.at(flavour, jets).replicas.std(axis=0, ddof=1), 0.05)
        assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.05)


def test_charm_is_one_with_the_shifts_of_the_binned_scale_factor(correction):
    assert correction.evaluate("central", 4, 1.0, 50.0, 0.5) == 1.0
    assert correction.evaluate("up_cferr1", 4, 1.0, 50.0, 0.5) != 1.0
    with pytest.raises(IndexError):
        correction.evaluate("up_train", 4, 1.0, 50.0, 0.5)
    with pytest.raises(IndexError):
        correction.evaluate("up_cferr1", 5, 1.0, 50.0, 0.5)
    with pytest.raises(RuntimeError, match="bounds"):
        correction.evaluate("central", 5, 2.5, 50.0, 0.5)


def test_a_finer_table_is_closer(ensemble, errors, label):
    jets = points(3000)
    sizes = (DeepSFTable(n_pt=3, n_abseta=2, n_discriminant=8), DeepSFTable(n_pt=12, n_abseta=10, n_discriminant=40))
    rms = []
    for size in sizes:
        correction = Correction.of_tree(correction_of(errors, label, size, shifts=False))
        error = Distance.of(distances(ensemble, correction, "b", 5, jets))
        assert 0 < error.rms < error.of_99_percent < error.largest
        rms.append(error.rms)
    assert rms[1] < rms[0] / 4
