"""Which branches of a file are read; what is missing gets a message with the way out."""

import logging

import numpy as np
import pytest
import uproot

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import CorrectionBranches, inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError


def test_sum_of_weights_comes_from_all_rows_of_the_runs_tree(make_nanoaod, simulation, data, tagger, selection):
    ntuple = inspect(make_nanoaod(400), simulation, tagger=tagger, selection=selection)
    assert (ntuple.n_events, ntuple.sum_weights) == (400, 805.0)  # Runs holds 2 * 400 and 5
    ntuple = inspect(make_nanoaod(400, data=True), data, tagger=tagger, selection=selection)
    assert (ntuple.n_events, ntuple.sum_weights) == (400, 400.0)


def test_simulation_without_runs_is_refused_unless_events_are_asked_for(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(50, runs=False)
    with pytest.raises(NtupleError, match=r"nano\.root: branch Runs/genEventSumw is missing.*sum_weights: events"):
        inspect(path, simulation, tagger=tagger, selection=selection)
    from_events = simulation.model_copy(update={"sum_weights": "events"})
    ntuple = inspect(path, from_events, tagger=tagger, selection=selection)
    with uproot.open(path) as file:
        assert ntuple.sum_weights == file["Events/genWeight"].array(library="np").astype(float).sum()


def test_pileup_branch_is_read_only_where_pileup_is_configured(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(drop=["Pileup_nTrueInt"])
    inspect(path, simulation, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match="Pileup_nTrueInt is missing and required; drop the pileup section"):
        inspect(path, simulation, tagger=tagger, selection=selection, corrections=CorrectionBranches(pileup=True))


def test_a_missing_trigger_path_counts_as_not_fired_and_is_reported(
    make_nanoaod, simulation, tagger, selection, caplog
):
    triggers = {"ee": ("HLT_Absent", "HLT_MuEle"), "mumu": ("HLT_Gone", "HLT_DoubleMu")}
    selection = selection.model_copy(update={"triggers": triggers})
    with caplog.at_level(logging.WARNING):
        ntuple = inspect(make_nanoaod(), simulation, tagger=tagger, selection=selection)
    assert ntuple.triggers.missing == ("HLT_Absent", "HLT_Gone")
    assert "HLT_Absent, HLT_Gone" in caplog.text
    (events,) = iterate(ntuple)
    fired = events.fired.sum(axis=0)
    assert fired[CHANNELS.index("emu")] == 0  # a channel without paths in the configuration
    assert fired[CHANNELS.index("mumu")] > 300


def test_a_channel_without_any_path_is_an_error_with_close_names(make_nanoaod, simulation, tagger, selection):
    misspelt = selection.model_copy(update={"triggers": {**selection.triggers, "ee": ("HLT_DoubleEl",)}})
    with pytest.raises(
        NtupleError, match=r"paths of channel ee exists \(HLT_DoubleEl \(close: HLT_DoubleEle.*triggers"
    ):
        inspect(make_nanoaod(), simulation, tagger=tagger, selection=misspelt)
    inspect(make_nanoaod(), simulation.model_copy(update={"channels": ("emu",)}), tagger=tagger, selection=misspelt)
    only_ee = selection.model_copy(update={"triggers": {"ee": ("HLT_DoubleEle",)}})
    with pytest.raises(NtupleError, match=r"selection\.triggers has no path for the channels mumu of the sample"):
        inspect(make_nanoaod(), simulation.model_copy(update={"channels": ("mumu",)}), tagger=tagger, selection=only_ee)


def test_all_missing_branches_are_named_at_once_with_their_way_out(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(drop=["luminosityBlock", "Jet_btagDeepFlavB", "Electron_deltaEtaSC", "Flag_goodVertices"])
    with pytest.raises(NtupleError) as error:
        inspect(path, simulation, tagger=tagger, selection=selection)
    message = str(error.value)
    assert message.startswith(f"{path}: 4 required branch(es) missing")
    assert "branch luminosityBlock is missing" in message
    assert "branch Jet_btagDeepFlavB is missing and required; set tagger.branch" in message
    assert "branch Electron_deltaEtaSC is missing and required; set selection.electron.crack_abseta to null" in message
    assert "branch Flag_goodVertices is missing and required; take it off selection.event_filters" in message


def test_a_misspelt_tagger_branch_is_told_the_close_name(make_nanoaod, simulation, tagger, selection):
    tagger = tagger.model_copy(update={"branch": "btagDeepFlavb"})
    with pytest.raises(NtupleError, match=r"Jet_btagDeepFlavb \(close: Jet_btagDeepFlavB\)"):
        inspect(make_nanoaod(), simulation, tagger=tagger, selection=selection)


def test_missing_met_names_what_was_tried_and_what_is_there(make_nanoaod, simulation, tagger, selection):
    selection = selection.model_copy(update={"met_branches": ("RawMET",)})
    with pytest.raises(NtupleError, match=r"tried RawMET_pt .*the file has MET_pt, PuppiMET_pt\); name one in"):
        inspect(make_nanoaod(), simulation, tagger=tagger, selection=selection)


def test_kind_of_sample_and_file_must_agree(make_nanoaod, simulation, data, tagger, selection):
    with pytest.raises(NtupleError, match=r"mc\.root: branch genWeight exists only in simulation.*kind: simulation"):
        inspect(make_nanoaod(name="mc.root"), data, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match=r"data\.root: branch genWeight is missing, so this is data.*kind: data"):
        inspect(make_nanoaod(name="data.root", data=True), simulation, tagger=tagger, selection=selection)


def test_what_was_chosen_among_alternatives_is_kept(make_nanoaod, simulation, tagger, selection):
    def resolved(path, selection=selection, **needed):
        corrections = CorrectionBranches(**needed)
        return inspect(path, simulation, tagger=tagger, selection=selection, corrections=corrections).resolved

    ultra_legacy, run3 = (
        make_nanoaod(name="ul.root", energy=True),
        make_nanoaod(name="run3.root", run3=True, energy=True),
    )
    assert resolved(ultra_legacy, rho=True) == {
        "missing pT": "MET",
        "pile-up id": "Jet_puId",
        "number of vertices": "PV_npvsGood",
        "rho": "fixedGridRhoFastjetAll",
    }
    assert resolved(run3, rho=True) == {
        "missing pT": "PuppiMET",
        "pile-up id": "none",
        "number of vertices": "PV_npvsGood",
        "rho": "Rho_fixedGridRhoFastjetAll",
    }
    # without the bit no file's branch is read, so that those with and without it agree
    no_bit = selection.model_copy(update={"jet": selection.jet.model_copy(update={"pu_id_bit": None})})
    assert resolved(ultra_legacy, no_bit) == resolved(ultra_legacy) | {"pile-up id": "none"}
    assert resolved(ultra_legacy)["rho"] == "not used"
    assert resolved(make_nanoaod(0, name="empty.root")) == {}


def test_a_file_without_events_needs_no_branches(tmp_path, simulation, data, tagger, selection):
    # as those of CMS whose events were all dropped (cms-sw/cmssw#40833); the sum of weights counts
    for sample, is_data in ((simulation, False), (data, True)):
        path = tmp_path / "empty.root"
        with uproot.recreate(path) as file:
            file.mktree("Events", {"run": "u4"})
            if not is_data:
                file["Runs"] = {"genEventSumw": np.array([7.0]), "genEventCount": np.array([9])}
        ntuple = inspect(path, sample, tagger=tagger, selection=selection)
        assert (ntuple.n_events, ntuple.branches, ntuple.sum_weights) == (0, (), 0.0 if is_data else 7.0)
        assert list(iterate(ntuple)) == []
