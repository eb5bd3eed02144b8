"""Chunks of a file: one form for all versions, joined across baskets, refused where they are corrupt."""

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import CorrectionBranches, inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError
from tests.oracles.awkward_selection import jagged

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
    chunks = list(iterate(ntuple, events_per_chunk=70))
    assert [chunk.first_index for chunk in chunks] == [0, 70, 140, 210, 280, 350]
    with uproot.open(path) as file:
        events = file["Events"].arrays(["event", "Jet_pt", "Electron_eta", "Electron_deltaEtaSC", "genWeight"])
    np.testing.assert_array_equal(np.concatenate([chunk.event for chunk in chunks]), ak.to_numpy(events.event))
    np.testing.assert_array_equal(np.concatenate([chunk.weight for chunk in chunks]), ak.to_numpy(events.genWeight))
    jets = ak.concatenate([jagged(chunk.jets).pt for chunk in chunks])
    assert ak.to_list(jets) == ak.to_list(events.Jet_pt)
    sc_eta = ak.concatenate([jagged(chunk.electrons).sc_eta for chunk in chunks])
    assert ak.to_list(sc_eta) == ak.to_list(events.Electron_eta + events.Electron_deltaEtaSC)


def test_data_have_weight_one_and_no_flavour(make_nanoaod, data, tagger, selection):
    (events,) = iterate(
        inspect(
            make_nanoaod(data=True),
            data,
            tagger=tagger,
            selection=selection,
            corrections=CorrectionBranches(pileup=True),
        )
    )
    assert set(events.weight) == {1.0}
    assert set(events.jets.columns["hadron_flavour"]) == {-1}
    assert events.n_true_interactions is None


def test_a_data_set_of_one_channel_never_fires_the_others(make_nanoaod, data, tagger, selection):
    data = data.model_copy(update={"channels": ("ee",)})
    (events,) = iterate(inspect(make_nanoaod(data=True), data, tagger=tagger, selection=selection))
    assert events.fired[:, CHANNELS.index("ee")].any()
    assert not events.fired[:, [CHANNELS.index("emu"), CHANNELS.index("mumu")]].any()


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
