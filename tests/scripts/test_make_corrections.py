"""The shipped corrections are what their maker makes, and undo what the generator did to jets."""

from pathlib import Path

import awkward as ak
import correctionlib
import numpy as np
import pytest
import uproot

from deepsf import config
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.jagged import rounded
from deepsf.generator.jet_response import MEAN_AREA, raw_factor
from deepsf.generator.plan import GeneratedFile
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.skim.jet_corrections import load_jet_energy
from deepsf.skim.selection import select_leptons
from scripts import make_corrections as shipped_corrections

ROOT = Path(__file__).parents[2]
TOY = config.load(ROOT / "configs" / "toy.yaml")
FILE = ROOT / TOY.jet_corrections.file


@pytest.mark.parametrize("name", shipped_corrections.SHIPPED)
def test_shipped_files_are_what_their_maker_makes(name):
    made = shipped_corrections.to_json(shipped_corrections.SHIPPED[name]())
    assert (ROOT / "configs" / name).read_text() == made, "run python -m scripts.make_corrections configs"


@pytest.mark.parametrize(("kind", "label"), [("simulation", "MC"), ("data", "DATA")])
def test_compound_corrections_undo_the_raw_energy(kind, label):
    pt, eta, rho = (grid.ravel() for grid in np.meshgrid([15.0, 30.0, 200.0], np.linspace(-5, 5, 41), [3.0, 30.0]))
    area = np.full(pt.shape, MEAN_AREA)
    raw = pt * (1.0 - raw_factor(pt, eta, area, rho, kind == "data"))
    compound = correctionlib.CorrectionSet.from_file(str(FILE)).compound[f"Toy_V1_{label}_L1L2L3Res_AK4PFchs"]
    np.testing.assert_allclose(raw * compound.evaluate(area, eta, raw, rho), pt, rtol=1e-9)
    assert np.ptp(raw / pt) > 0.1


def test_pile_up_weights_conserve_events_and_move_the_mean():
    correction = correctionlib.CorrectionSet.from_file(str(ROOT / TOY.pileup.file))[TOY.pileup.name]
    n = np.random.default_rng(1).normal(32.0, 9.0, 200_000)
    assert (correction.evaluate(n, "nominal") == 1.0).all()
    for key, change in (("up", 0.046), ("down", -0.046)):
        weight = correction.evaluate(n, key)
        assert weight.mean() == pytest.approx(1.0, abs=0.005)
        assert np.average(n, weights=weight) == pytest.approx(32.0 * (1 + change), abs=0.15)


@pytest.mark.parametrize("kind", ["simulation", "data"])
def test_generated_jets_are_corrected_to_their_stored_energy_and_shifted(tmp_path, kind):
    sample = TOY.samples["ttbar" if kind == "simulation" else "data"]
    file = GeneratedFile("x", kind, "ttbar", 0, 8000)
    write_file(file, Composition(), TOY.generator, ROOT / TOY.generator.true_sf.file, tmp_path / "a.root")
    energy = load_jet_energy(TOY.jet_corrections.model_copy(update={"file": str(FILE)}), "x", kind)
    ntuple = inspect(
        tmp_path / "a.root", sample, tagger=TOY.tagger, selection=TOY.selection, corrections=energy.branches
    )
    (events,) = iterate(ntuple)
    leptons = select_leptons(events, TOY.selection)
    ratio = {}
    for name, shifted in energy.vary(events, leptons, 0.4):
        ratio[name] = shifted.jets.columns["pt"] / events.jets.columns["pt"]
    # what is left is the rounding of the raw factor to ten bits
    np.testing.assert_allclose(ratio["nominal"], 1.0, atol=2e-4)
    if kind == "data":
        assert list(ratio) == ["nominal"]
        return
    is_touched = ratio["jesAbsolute_up"] > 1.001
    assert is_touched.mean() > 0.3  # not in events without a pair of leptons, and not the leptons among the jets
    np.testing.assert_allclose(ratio["jesAbsolute_up"][is_touched], 1.01, atol=2e-4)
    forward = np.abs(events.jets.columns["eta"]) > 3.0
    np.testing.assert_allclose(ratio["jesRelativeBal_down"][is_touched & forward], 0.97, atol=2e-4)
    # hard jets are matched: 10 % more of a resolution of some 15 %; pile-up jets are smeared
    assert 0.005 < ratio["jer_up"][is_touched].std() < 0.06
    assert (ratio["jer_down"] != ratio["nominal"]).mean() > 0.2


def test_generated_jets_have_the_resolution_of_the_correction(tmp_path):
    write_file(
        GeneratedFile("x", "simulation", "ttbar", 0, 8000), Composition(), TOY.generator, None, tmp_path / "a.root"
    )
    with uproot.open(tmp_path / "a.root") as file:
        names = ["Jet_pt", "Jet_eta", "Jet_genJetIdx", "GenJet_pt", "GenJet_eta", "fixedGridRhoFastjetAll"]
        events = file["Events"].arrays(names)
    assert ak.all(events.GenJet_pt[:, :-1] >= events.GenJet_pt[:, 1:])
    matched = events.Jet_genJetIdx >= 0
    gen = events.GenJet_pt[events.Jet_genJetIdx[matched]]
    pt, eta, gen_eta = (ak.to_numpy(ak.flatten(a)) for a in (
        events.Jet_pt[matched], events.Jet_eta[matched], events.GenJet_eta[events.Jet_genJetIdx[matched]]))  # fmt: skip
    np.testing.assert_array_equal(rounded(eta), gen_eta)
    gen = ak.to_numpy(ak.flatten(gen)).astype(float)
    correction = correctionlib.CorrectionSet.from_file(str(FILE))["Toy_V1_MC_PtResolution_AK4PFchs"]
    pull = (pt / gen - 1.0) / correction.evaluate(eta.astype(float), gen, np.full(len(gen), 20.0))
    hard = gen > 60.0  # softer ones are cut by the threshold of 15 GeV; leptons among the jets are narrower
    assert 0.7 < pull[hard].std() < 1.0
    assert 0.03 < 1.0 - ak.mean(matched) < 0.1  # pile-up, 0.3 of some 5.5 jets
