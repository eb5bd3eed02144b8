"""Reading NanoAOD: versions end in one form, and unusable files get a message with the way out."""

import logging

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.events import NtupleError, inspect, iterate

INT_COLUMNS = {"jets": ("jetId",), "electrons": ("cutBased", "charge")}


@pytest.mark.parametrize("run3", [False, True])
def test_types_do_not_depend_on_the_version(make_nanoaod, simulation, tagger, selection, run3):
    ntuple = inspect(make_nanoaod(run3=run3), simulation, tagger=tagger, selection=selection)
    (events,) = iterate(ntuple)
    for collection, columns in INT_COLUMNS.items():
        for column in columns:
            assert getattr(events, collection).columns[column].dtype == np.int32
    assert events.jets.columns["hadron_flavour"].dtype == np.int8
    assert events.n_pv.dtype == np.int16
    assert events.jets.offsets.dtype == np.int64
    assert ("puId" in events.jets.columns) is not run3
    assert ntuple.met == ("PuppiMET" if run3 else "MET")


def test_chunks_join_to_the_whole_file_across_baskets(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(400, basket=150)
    from_events = simulation.model_copy(update={"sum_weights": "events"})
    ntuple = inspect(path, from_events, tagger=tagger, selection=selection)
    chunks = list(iterate(ntuple, chunk_entries=70))
    assert [chunk.first_entry for chunk in chunks] == [0, 70, 140, 210, 280, 350]
    with uproot.open(path) as file:
        events = file["Events"].arrays(["event", "Jet_pt", "Electron_eta", "Electron_deltaEtaSC", "genWeight"])
    np.testing.assert_array_equal(np.concatenate([chunk.event for chunk in chunks]), ak.to_numpy(events.event))
    np.testing.assert_array_equal(
        np.concatenate([chunk.generator_weight for chunk in chunks]), ak.to_numpy(events.genWeight)
    )
    jets = ak.concatenate([chunk.jets.jagged().pt for chunk in chunks])
    assert ak.to_list(jets) == ak.to_list(events.Jet_pt)
    sc_eta = ak.concatenate([chunk.electrons.jagged().sc_eta for chunk in chunks])
    assert ak.to_list(sc_eta) == ak.to_list(events.Electron_eta + events.Electron_deltaEtaSC)


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


def test_data_have_weight_one_and_no_flavour(make_nanoaod, data, tagger, selection):
    (events,) = iterate(inspect(make_nanoaod(data=True), data, tagger=tagger, selection=selection, pileup=True))
    assert set(events.generator_weight) == {1.0}
    assert set(events.jets.columns["hadron_flavour"]) == {-1}
    assert events.n_true_interactions is None


def test_pileup_branch_is_read_only_where_pileup_is_configured(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(drop=["Pileup_nTrueInt"])
    inspect(path, simulation, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match="Pileup_nTrueInt is missing and required; drop the pileup section"):
        inspect(path, simulation, tagger=tagger, selection=selection, pileup=True)


def test_a_missing_trigger_path_counts_as_not_fired_and_is_reported(
    make_nanoaod, simulation, tagger, selection, caplog
):
    selection = selection.model_copy(
        update={"triggers": {**selection.triggers, "ee": ("HLT_Absent",), "mumu": ("HLT_Gone", "HLT_DoubleMu")}}
    )
    with caplog.at_level(logging.WARNING):
        ntuple = inspect(make_nanoaod(), simulation, tagger=tagger, selection=selection)
    assert ntuple.missing_triggers == ("HLT_Absent", "HLT_Gone")
    assert "HLT_Absent, HLT_Gone" in caplog.text
    (events,) = iterate(ntuple)
    fired = events.fired.sum(axis=0)
    assert fired[CHANNELS.index("ee")] == 0
    assert fired[CHANNELS.index("mumu")] > 300


def test_trigger_paths_all_missing_are_an_error_with_close_names(make_nanoaod, simulation, tagger, selection):
    selection = selection.model_copy(update={"triggers": {"ee": ("HLT_DoubleEl",), "emu": ("HLT_Other",)}})
    with pytest.raises(NtupleError, match=r"none of the trigger paths.*HLT_DoubleEl \(close: HLT_DoubleEle.*triggers"):
        inspect(make_nanoaod(), simulation, tagger=tagger, selection=selection)


def test_a_data_set_of_one_channel_never_fires_the_others(make_nanoaod, data, tagger, selection):
    data = data.model_copy(update={"channels": ("ee",)})
    (events,) = iterate(inspect(make_nanoaod(data=True), data, tagger=tagger, selection=selection))
    assert events.fired[:, CHANNELS.index("ee")].any()
    assert not events.fired[:, [CHANNELS.index("emu"), CHANNELS.index("mumu")]].any()


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


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused_wherever_they_are_cut(make_nanoaod, simulation, tagger, selection, fraction):
    path = make_nanoaod(1000)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(NtupleError, match=r"nano\.root: .*truncated or corrupt .*; copy the file again"):
        list(iterate(inspect(path, simulation, tagger=tagger, selection=selection)))


def test_corrupt_baskets_are_refused(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(2000, basket=2000)
    with uproot.open(path) as file:
        basket = file["Events/Jet_eta"].basket(0)
        seek, length = file["Events/Jet_eta"].basket_key(0).fSeekKey, basket.compressed_bytes
    content = bytearray(path.read_bytes())
    content[seek + 200 : seek + length - 100] = bytes(length - 300)
    path.write_bytes(content)
    with pytest.raises(NtupleError, match="truncated or corrupt"):
        list(iterate(inspect(path, simulation, tagger=tagger, selection=selection)))


def test_files_without_events_tree_or_not_there_are_refused(make_nanoaod, simulation, tagger, selection, tmp_path):
    with pytest.raises(NtupleError, match=r"nano\.root: no Events tree \(the file holds Other \(TTree\), Runs"):
        inspect(make_nanoaod(20, tree="Other"), simulation, tagger=tagger, selection=selection)
    with pytest.raises(NtupleError, match=r"absent\.root: no such file"):
        inspect(tmp_path / "absent.root", simulation, tagger=tagger, selection=selection)


def test_a_tagger_that_was_not_run_is_an_error(make_nanoaod, simulation, tagger, selection):
    with uproot.open(make_nanoaod(20)) as file:
        counts = ak.num(file["Events/Jet_pt"].array())
    flat = np.full(int(ak.sum(counts)), -3000.0, np.float32)
    path = make_nanoaod(20, replace={"Jet_btagDeepFlavB": ak.unflatten(flat, counts)})
    with pytest.raises(NtupleError, match=r"Jet_btagDeepFlavB is -3000 for (\d+) of \1 jets.*the tagger was not run"):
        list(iterate(inspect(path, simulation, tagger=tagger, selection=selection)))


def test_jet_columns_must_exist_and_have_one_value_a_jet(make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod()
    wanted = selection.model_copy(update={"jet_columns": {"area": "area"}})
    with pytest.raises(NtupleError, match=r"branch Jet_area .*correct or drop its entry in selection\.jet_columns"):
        inspect(path, simulation, tagger=tagger, selection=wanted)
    from_events = simulation.model_copy(update={"sum_weights": "events"})
    ntuple = inspect(path, from_events, tagger=tagger, selection=selection)._replace(jet_columns={"odd": "Muon_pt"})
    with pytest.raises(NtupleError, match="differ in length"):
        list(iterate(ntuple))
