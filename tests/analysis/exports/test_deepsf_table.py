"""The ensemble as a table: close to the networks inside, constant where they are, exact about its own error."""

from __future__ import annotations

import correctionlib
import numpy as np
import pytest
import torch

from deepsf.config.exports import DeepSFTable, Exports
from deepsf.config.flavours import hadron_flavours
from deepsf.exports.correctionlib_json import correction_set_text, read_correction
from deepsf.exports.deepsf_table import deepsf_correction, ensemble_table, interpolation_error
from deepsf.exports.write import ExportedResults, write_exports
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.weights import NormalisationTable
from tests.analysis.exports.conftest import FLAVOURS, points
from tests.analysis.exports.test_normalisation_maps import write_jets

SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "logit"),
    np.array([np.log(20.0), 0.0, -9.0]),
    np.array([np.log(600.0), 2.5, 9.0]),
    np.array([4.0, 1.0, 0.0]),
    np.array([0.5, 0.5, 3.0]),
)


def member(seed):
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=2, units=16, generator=generator) for f in ("b", "udsg")}
    with torch.no_grad():  # as they start, they are less smooth than trained ones
        for network in networks.values():
            for parameter in network.parameters():
                parameter *= 0.5
    rng = np.random.default_rng(seed)
    bins = KinematicBins(np.array([31.5, 77.25]), np.array([1.3]))
    tables = {f: NormalisationTable(bins, rng.uniform(0.9, 1.1, bins.size)) for f in networks}
    return MemberScaleFactor(Architecture(2, 16, 1.5), dict.fromkeys(networks, SCALING), networks, tables)


@pytest.fixture(scope="module")
def ensemble():
    return EnsembleScaleFactor(tuple(member(seed) for seed in range(4)), hadron_flavours(FLAVOURS))


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


def test_the_file_states_its_interpolation_error(ensemble, binned, label, tmp_path):
    jets = points(2000)
    flavour = np.arange(2000, dtype=np.int8) % 3
    jets = Jets(jets.pt_gev, jets.abseta, jets.discriminant, flavour)
    inclusive = InclusiveJets(np.zeros(2000, np.int64), np.ones(2000), jets)
    settings = Exports(forms=("deepsf",), deepsf=DeepSFTable(n_pt=4, n_abseta=2, n_discriminant=12, n_jets=500))
    contents = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        places = {form: folder / name for form, name in settings.files("deepJet").items()}
        results = ExportedResults(binned, FLAVOURS, ensemble=ensemble, inclusive=inclusive)
        lines = write_exports(places, results, label, settings, [write_jets(folder.parent / "jets.parquet")])
        contents.append(places["deepsf"].read_bytes())
    made = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert made == ["deepJet_deepsf.json.gz", "normalisation_maps.json"]
    assert contents[0] == contents[1]
    tree = read_correction(places["deepsf"])
    assert tree["name"] == "deepJet_deepsf"
    assert lines[0] in tree["description"]
    assert lines[0].startswith("Root mean square of table minus ensemble over inclusive jets: b 0.")
