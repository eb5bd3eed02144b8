"""Chunks of a file: one form for all versions, joined across baskets, refused where they are corrupt."""

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.config.selection import CHANNELS, Selection, WeightBranches
from deepsf.nanoaod.branches import CorrectionBranches, inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError
from tests.conftest import FILTER, TRIGGERS, energy_branches, nanoaod_branches
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


def test_the_supercluster_is_found_by_its_eta_as_well(make_nanoaod, simulation, tagger, selection):
    with uproot.open(make_nanoaod()) as file:
        sc_eta = file["Events/Electron_eta"].array() + file["Events/Electron_deltaEtaSC"].array()
    path = make_nanoaod(drop=["Electron_deltaEtaSC"], replace={"Electron_superclusterEta": sc_eta})
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection))
    assert ak.to_list(jagged(events.electrons).sc_eta) == ak.to_list(sc_eta)
    anywhere = selection.model_copy(update={"electron": selection.electron.model_copy(update={"crack_abseta": None})})
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=anywhere))
    np.testing.assert_array_equal(events.electrons.columns["sc_eta"], events.electrons.columns["eta"])


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


@pytest.fixture
def read(simulation, data, tagger, selection):
    """Read all events of a file; keywords change the sample or the selection."""

    def read(path, is_data=False, selection=selection, **sample):
        of_kind = (data if is_data else simulation).model_copy(update=sample)
        (events,) = iterate(inspect(path, of_kind, tagger=tagger, selection=selection, corrections=EVERYTHING))
        return events

    return read


EVERYTHING = CorrectionBranches(raw=True, area=True, rho=True, generator=True, met_phi=True, jet_content=("jetId",))


@pytest.mark.parametrize(
    "branch", ["Electron_eta", "Muon_charge", "Jet_pt", "Jet_hadronFlavour", "GenJet_pt", "LHEScaleWeight", "PSWeight"]
)
def test_one_wrong_offset_is_an_error_not_a_segmentation_fault(make_nanoaod, read, branch):
    path = make_nanoaod(50, energy=True, basket=50, compression=None)
    assert read(path).n_events == 50
    with uproot.open(path) as file:
        key, start = file["Events"][branch].basket_key(0), file["Events"][branch].basket(0).border
    content = bytearray(path.read_bytes())
    place = key.fSeekKey + key.fKeylen + start + 4 * (1 + 20)  # a count comes first, and then the offsets
    content[place] ^= 0x20
    path.write_bytes(content)
    with pytest.raises(NtupleError, match=rf"nano\.root: branch {branch} is corrupt, its offsets do not rise within"):
        read(path)


def test_a_flavour_with_a_counter_of_its_own_is_refused(make_nanoaod, read):
    # of the same total: compared by totals alone, flavours would go to other jets
    jets = nanoaod_branches(50, 1)["Jet"]
    flavours = ak.unflatten(ak.flatten(jets.hadronFlavour), np.roll(ak.to_numpy(ak.num(jets.pt)), 1))
    branches = {"drop": ["Jet_hadronFlavour"], "replace": {"JetFlavour": flavours}}
    renamed = {"Jet_hadronFlavour": "JetFlavour"}
    with pytest.raises(NtupleError, match=r"branches Jet_pt and Jet_hadronFlavour of one collection differ in length"):
        read(make_nanoaod(50, energy=True, **branches), selection=selection_with(branches=renamed))


def selection_with(**changes):
    triggers = {channel: (path,) for channel, path in TRIGGERS.items()}
    return Selection(triggers=triggers, event_filters=(FILTER,), **changes)


def with_value(branch, value, dtype="f4", n_events=50):
    """Return a branch of jets, electrons, muons or events of which the first value is another."""
    name, _, column = branch.partition("_")
    stored = {
        **nanoaod_branches(n_events, 1),
        **energy_branches(nanoaod_branches(n_events, 1), 1, data=False, run3=False),
    }
    lists = stored[name][column] if name in ("Electron", "Muon", "Jet", "GenJet") else stored[branch]
    flat = np.asarray(ak.flatten(lists, axis=None)).astype(dtype)
    flat[0] = value
    return {branch: ak.unflatten(flat, ak.num(lists)) if lists.ndim == 2 else flat}


@pytest.mark.parametrize(
    ("branch", "value", "message"),
    [
        ("Jet_pt", np.inf, "branch Jet_pt is not finite for 1 of "),
        ("Jet_rawFactor", np.nan, "branch Jet_rawFactor is not finite for 1 of "),
        ("Jet_area", np.nan, "branch Jet_area is not finite for 1 of "),
        ("Jet_phi", 100.0, "branch Jet_phi is 100 for 1 of "),
        ("Jet_jetId", 2.5, "branch Jet_jetId is 2.5 for 1 of "),
        ("Jet_hadronFlavour", 261, "branch Jet_hadronFlavour is 261.0 for 1 of "),
        ("GenJet_eta", np.nan, "branch GenJet_eta is not finite for 1 of "),
        ("GenJet_phi", -7.0, "branch GenJet_phi is -7 for 1 of "),
        ("Electron_deltaEtaSC", np.nan, "branch Electron_deltaEtaSC is not finite for 1 of "),
        ("Electron_cutBased", np.nan, "branch Electron_cutBased is nan for 1 of "),
        ("Muon_pfRelIso04_all", np.nan, "branch Muon_pfRelIso04_all is not finite for 1 of "),
        ("Muon_tightId", 2, "branch Muon_tightId is 2.0 for 1 of "),
        ("MET_pt", np.nan, "branch MET_pt is not finite for 1 of 50 values"),
        ("MET_pt", -999.0, "branch MET_pt is -999 for 1 of 50 values; it cannot be negative"),
        ("MET_phi", np.inf, "branch MET_phi is not finite for 1 of 50 values"),
        ("genWeight", np.nan, "branch genWeight is not finite for 1 of 50 values"),
        ("fixedGridRhoFastjetAll", np.nan, "branch fixedGridRhoFastjetAll is not finite for 1 of 50 values"),
        ("PV_npvsGood", np.nan, "branch PV_npvsGood is nan for 1 of 50 values, which int16 cannot hold"),
        ("Flag_goodVertices", np.nan, "branch Flag_goodVertices is nan for 1 of 50 values, which bool cannot hold"),
        ("HLT_DoubleMu", 3, "branch HLT_DoubleMu is 3.0 for 1 of 50 values, which bool cannot hold"),
        ("event", -1, "branch event is -1.0 for 1 of 50 values, which uint64 cannot hold"),
        ("run", 0.5, "branch run is 0.5 for 1 of 50 values, which uint32 cannot hold"),
    ],
)
def test_a_value_that_cannot_be_is_named(make_nanoaod, read, branch, value, message):
    path = make_nanoaod(50, energy=True, replace=with_value(branch, value, "f8"))
    with pytest.raises(NtupleError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("branch", ["run", "event", "MET_pt", "genWeight", "Flag_goodVertices", "HLT_DoubleEle"])
def test_a_list_where_one_number_belongs_is_named(make_nanoaod, read, branch):
    # flattened, the numbers of other events would be taken for those of an event
    path = make_nanoaod(50, energy=True, replace={branch: ak.unflatten(np.ones(100, "f4"), np.full(50, 2))})
    with pytest.raises(NtupleError, match=f"branch {branch} is a list in every event, not one number"):
        read(path)


def test_scores_that_cannot_be_are_left_to_be_counted(make_nanoaod, read):
    for value in (np.nan, 5.0, 1e30, -1.0):
        scores = read(make_nanoaod(50, energy=True, replace=with_value("Jet_btagDeepFlavB", value))).jets.columns
        np.testing.assert_equal(scores["discriminant"][0], np.float32(value))


PREFIRING = {"prefiring": WeightBranches(nominal="Pre_Nom", up="Pre_Up", down="Pre_Dn")}


def test_further_weights_multiply_the_generator_weight_and_shift_as_ratios(make_nanoaod, read):
    nominal = np.array([0.5, 0.0, 0.25, 0.0], "f8")
    branches = {
        "genWeight": np.array([2.0, 3.0, -4.0, 5.0], "f4"),
        "Pre_Nom": nominal,
        "Pre_Up": np.array([0.75, 0.0, 0.25, 0.5]),
        "Pre_Dn": np.array([0.25, 0.0, 0.0, 0.0]),
    }
    events = read(make_nanoaod(4, energy=True, replace=branches), selection=selection_with(weights=PREFIRING))
    assert events.weight.tolist() == [1.0, 0.0, -1.0, 0.0]
    assert events.weight_ratios["prefiring_up"].tolist() == [1.5, 1.0, 1.0, 1.0]
    assert events.weight_ratios["prefiring_down"].tolist() == [0.5, 1.0, 0.0, 1.0]
    # the last event has weight 0, but would have some if shifted up: a ratio cannot express that
    assert events.n_without["prefiring"] == 1


def test_signs_alone_and_events_without_lists(make_nanoaod, read):
    lists = np.where(np.arange(6) < 3, 9, 0)  # empty in the second half of the file
    branches = {
        "genWeight": np.array([2e5, -3.0, 0.0, 1.0, -1e-9, 7.0], "f4"),
        "LHEScaleWeight": ak.unflatten(np.full(27, 1.25, "f4"), lists),
    }
    path = make_nanoaod(6, energy=True, replace=branches)
    events = read(path, generator_weight="sign", sum_weights=100.0)
    assert events.weight.tolist() == [1, -1, 0, 1, -1, 1]
    assert events.n_without == {"genscale": 3, "psisr": 0, "psfsr": 0}
    assert events.weight_ratios["genscale_up"].tolist() == [1.25] * 3 + [1.0] * 3
    assert set(read(path, missing_shifts=("genscale", "psfsr")).weight_ratios) == {"psisr_up", "psisr_down"}
