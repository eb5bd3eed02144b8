"""Branches of generated files: those that a selection of real NanoAOD needs."""

import numpy as np

from tests.analysis.generator.generated_files import TOY

KINEMATICS = ("pt", "eta", "phi", "mass")


SIMULATION_ONLY = {
    *("Jet_hadronFlavour", "Jet_genJetIdx", "genWeight", "Generator_weight", "Pileup_nTrueInt"),
    *("GenJet_pt", "GenJet_eta", "GenJet_phi", "GenJet_mass", "LHEScaleWeight", "PSWeight"),
}


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
