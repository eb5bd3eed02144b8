import re
import resource
from pathlib import Path

import numpy as np
import pytest
import uproot

from deepsf import config
from deepsf.generator.arrays import rounded
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile, NotEnoughDiskError

ROOT = Path(__file__).parents[3]
TOY = config.load(ROOT / "configs" / "toy.yaml")
TRUE_SF = ROOT / TOY.generator.true_sf.file
KINEMATICS = ("pt", "eta", "phi", "mass")
SIMULATION_ONLY = {
    *("Jet_hadronFlavour", "Jet_genJetIdx", "genWeight", "Generator_weight", "Pileup_nTrueInt"),
    *("GenJet_pt", "GenJet_eta", "GenJet_phi", "GenJet_mass", "LHEScaleWeight", "PSWeight"),
}


def written(path, sample, kind, process, index=0, n_events=3000, true_sf=TRUE_SF, **changes):
    file = GeneratedFile(sample, kind, process, index, n_events)
    write_file(file, Composition(), TOY.generator.model_copy(update=changes), true_sf, path)
    with uproot.open(path) as root:
        return root["Events"].arrays(library="np"), root["Runs"].arrays(library="np")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def ttbar(folder):
    return written(folder / "ttbar.root", "ttbar", "simulation", "ttbar", true_sf=None)


@pytest.fixture(scope="module")
def data(folder):
    return written(folder / "data.root", "data", "data", "ttbar")


def same(a, b, name):
    if a[name].dtype != object:
        return np.array_equal(a[name], b[name])
    # lengths of the lists are branches of their own
    return np.array_equal(np.concatenate(a[name]), np.concatenate(b[name]))


def test_all_branches_of_the_selection_are_there_with_the_types_of_nanoaod(ttbar):
    events, _ = ttbar
    needed = {name for names in TOY.selection.triggers.values() for name in names} | set(TOY.selection.event_filters)
    needed |= {f"Jet_{n}" for n in (*KINEMATICS, "jetId", "puId", "btagDeepFlavB", "btagDeepB", "rawFactor", "area")}
    needed |= {f"{lepton}_{n}" for lepton in ("Electron", "Muon") for n in (*KINEMATICS, "charge", "dxy", "dz")}
    needed |= {"Electron_deltaEtaSC", "Electron_cutBased", "Electron_pfRelIso03_all"}
    needed |= {"Muon_tightId", "Muon_mediumId", "Muon_pfRelIso04_all"}
    needed |= {
        "nJet",
        "nElectron",
        "nMuon",
        "MET_pt",
        "MET_phi",
        "PuppiMET_pt",
        "PuppiMET_phi",
        "PV_npvs",
        "PV_npvsGood",
    }
    needed |= {
        "PV_npvs",
        "PV_npvsGood",
        "PV_x",
        "PV_y",
        "PV_z",
        "PV_ndof",
        "run",
        "luminosityBlock",
        "event",
        "fixedGridRhoFastjetAll",
    }
    assert needed | SIMULATION_ONLY <= set(events)
    types = {"run": "uint32", "luminosityBlock": "uint32", "event": "uint64", "PV_npvs": "int32", "MET_pt": "float32"}
    assert {name: str(events[name].dtype) for name in types} == types
    flat = {"Jet_jetId": "int32", "Jet_pt": "float32", "Electron_cutBased": "int32", "Muon_tightId": "bool"}
    assert {name: str(np.concatenate(events[name]).dtype) for name in flat} == flat
    assert all(events[name].dtype == bool for name in events if name.startswith(("HLT_", "Flag_")))


def test_pseudo_data_know_no_truth(data):
    events, runs = data
    assert not SIMULATION_ONLY & set(events)
    assert list(runs) == ["run"]
    assert (events["run"] == 300001).all()


def test_objects_are_sorted_by_pt_and_leptons_are_among_the_jets(ttbar):
    events, _ = ttbar
    for name in ("Jet_pt", "Electron_pt", "Muon_pt"):
        assert all((np.diff(pt) <= 0).all() for pt in events[name])
    with_electron = [i for i, pt in enumerate(events["Electron_pt"]) if len(pt) and pt[0] > 20][:200]
    for i in with_electron:
        eta, phi = (events[f"Electron_{name}"][i][0] for name in ("eta", "phi"))
        assert np.hypot(events["Jet_eta"][i] - eta, events["Jet_phi"][i] - phi).min() < 0.05


def test_both_columns_and_all_flavours_are_filled(ttbar):
    events, _ = ttbar
    jets = {
        name: np.concatenate(events[f"Jet_{name}"]) for name in ("hadronFlavour", "btagDeepFlavB", "btagDeepB", "eta")
    }
    assert set(jets["hadronFlavour"]) == {0, 4, 5}
    assert jets["btagDeepFlavB"].min() > 0
    central = np.abs(jets["eta"]) < 2.5
    assert 0.01 < (jets["btagDeepB"][central] < 0).mean() < 0.2
    assert (jets["btagDeepB"][~central] == -2).all()
    # independent of each other at given flavour
    b = (jets["hadronFlavour"] == 5) & (jets["btagDeepB"] > 0)
    assert abs(np.corrcoef(jets["btagDeepFlavB"][b], jets["btagDeepB"][b])[0, 1]) < 0.15


@pytest.mark.parametrize(("kind", "process"), [("simulation", "zjets"), ("data", "ttbar")])
def test_a_file_made_twice_has_the_same_content(tmp_path, kind, process):
    first, second = (written(tmp_path / f"{k}.root", "s", kind, process, n_events=2000)[0] for k in "ab")
    assert list(first) == list(second)
    assert all(same(first, second, name) for name in first)


def test_other_seed_sample_index_or_kind_give_other_events(tmp_path, ttbar):
    pt = ttbar[0]["MET_pt"]
    for k, change in enumerate([{"seed": 2}, {"sample": "other"}, {"index": 1}, {"kind": "data"}]):
        arguments = {"sample": "ttbar", "kind": "simulation", "process": "ttbar"} | change
        other = written(tmp_path / f"{k}.root", **arguments, n_events=1000)[0]["MET_pt"]
        assert len(np.intersect1d(pt[:300], other[:300])) < 60, change  # a few values of 10 bits agree by chance


def test_other_options_of_pseudo_data_leave_simulation_alone(tmp_path, ttbar):
    other = written(
        tmp_path / "a.root", "ttbar", "simulation", "ttbar", pt_tilt=0.3, rate_offsets={}, simulation_over_data=5.0
    )
    assert all(same(ttbar[0], other[0], name) for name in ttbar[0])


def test_another_true_scale_factor_changes_the_discriminants_alone(tmp_path, data):
    shifted = TOY.generator.true_sf.model_copy(update={"systematic": "up_hf"})
    file = GeneratedFile("data", "data", "ttbar", 0, 3000)
    write_file(file, Composition(), TOY.generator.model_copy(update={"true_sf": shifted}), TRUE_SF, tmp_path / "b.root")
    other = uproot.open(tmp_path / "b.root")["Events"].arrays(library="np")
    assert {name for name in other if not same(other, data[0], name)} == {"Jet_btagDeepFlavB", "Jet_btagDeepB"}


def test_runs_hold_the_signed_sum_before_the_filter(tmp_path):
    events, runs = written(tmp_path / "a.root", "zjets", "simulation", "zjets", n_events=60_000)
    assert set(np.unique(events["genWeight"])) == {-1.0, 1.0}
    assert (events["genWeight"] < 0).mean() == pytest.approx(0.10, abs=0.01)
    # n_events is luminosity times cross section: the sum of weights is that, the number of events is larger
    assert runs["genEventSumw"][0] == pytest.approx(60_000, abs=4 * np.sqrt(runs["genEventCount"][0]))
    assert runs["genEventCount"][0] == runs["genEventSumw2"][0] > 1.15 * 60_000
    assert len(events["genWeight"]) < 0.5 * 60_000


def test_event_numbers_are_unique_in_a_sample(tmp_path):
    numbers = []
    for process in ("ttbar", "zjets", "zcc"):
        for index in (0, 1):
            events, _ = written(tmp_path / "a.root", "data", "data", process, index, n_events=1000)
            numbers.append(events["event"])
    numbers = np.concatenate(numbers)
    assert len(np.unique(numbers)) == len(numbers)


def test_rounding_keeps_ten_bits():
    values = np.array([1.0, 1.0 + 2**-11, 1.0 + 2**-10, 100.03, -3.14159265])
    # spacing 2**-10 just above 1, 2**-4 at 100, 2**-9 at 3
    assert rounded(values).tolist() == [1.0, 1.0 + 2**-10, 1.0 + 2**-10, 100.0, -1608 / 512]


def test_pseudo_data_without_a_true_scale_factor_are_refused(tmp_path):
    with pytest.raises(ValueError, match="data_ttbar_0: pseudo-data need the path of the true scale factor"):
        written(tmp_path / "a.root", "data", "data", "ttbar", true_sf=None)


def test_a_full_disk_is_named(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "a.root"
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(
            NotEnoughDiskError, match=re.escape(str(path)) + ": no space left while writing .* larger disk"
        ):
            written(path, "ttbar", "simulation", "ttbar", n_events=10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
