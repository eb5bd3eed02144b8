"""The dilepton preselection: known events one by one, region cuts by hand, and the kernel against the awkward form."""

import math

import numpy as np
import pytest

from deepsf.config.regions import ColumnCut, Region, SameFlavourCuts
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.events import Collection, Events, inspect, iterate
from deepsf.skim import selection as compiled
from deepsf.skim.dileptons import DILEPTON_STEPS, event_variables
from deepsf.skim.regions import in_z_diamond, passes_event_cuts, passes_tag_cut
from tests.oracles import awkward_selection

FORMS = [pytest.param(awkward_selection.select, id="awkward"), pytest.param(compiled.select, id="numba")]

ELECTRON = {"pt": 40.0, "eta": 0.3, "phi": 0.0, "charge": 1, "cutBased": 4, "sc_eta": 0.3}
MUON = {"pt": 30.0, "eta": -0.5, "phi": 2.5, "charge": -1, "tightId": True, "pfRelIso04_all": 0.05}
JET = {"pt": 60.0, "eta": 1.0, "phi": -1.5, "jetId": 6, "puId": 7, "discriminant": 0.5, "hadron_flavour": 5}
FAR_JET = {**JET, "pt": 35.0, "eta": -1.8, "phi": -2.2}
FLOATS = ("pt", "eta", "phi", "sc_eta", "pfRelIso04_all", "discriminant")
TYPES = {**dict.fromkeys(FLOATS, np.float32), "tightId": np.bool_, "hadron_flavour": np.int8}


def collection(objects, template, drop=()):
    """Return the objects of one event as a collection."""
    names = [name for name in template if name not in drop]
    columns = {name: np.array([obj[name] for obj in objects], TYPES.get(name, np.int32)) for name in names}
    return Collection(np.array([0, len(objects)], np.int64), columns)


def one_event(electrons=(ELECTRON,), muons=(MUON,), jets=(JET, FAR_JET), fired=(True,) * 3, filters=True, pu_id=True):
    """Return a chunk of one event; as it stands it is an emu event with two jets that passes everything."""
    return Events(
        first_entry=0,
        run=np.ones(1, np.uint32),
        luminosity_block=np.ones(1, np.uint32),
        event=np.ones(1, np.uint64),
        passes_filters=np.array([filters]),
        fired=np.array([fired]),
        met_gev=np.zeros(1, np.float32),
        n_pv=np.zeros(1, np.int16),
        generator_weight=np.ones(1),
        n_true_interactions=None,
        electrons=collection(electrons, ELECTRON),
        muons=collection(muons, MUON),
        jets=collection(jets, JET, drop=() if pu_id else ("puId",)),
        jet_columns={},
    )


def last_step(dileptons):
    """Return the last step of the cut flow that the one event passes."""
    passed = dileptons.cut_flow.sum(axis=1)
    assert np.all(np.diff(passed) <= 0)
    return "none" if passed[0] == 0 else DILEPTON_STEPS[int(passed.sum()) - 1]


# 30 GeV and 40 GeV leptons 0.01 apart: mll = sqrt(30 * 40) * 0.01 = 0.35 GeV, far below 12 GeV.
COLLINEAR = {**MUON, "eta": 0.3, "phi": 0.01}
# 400 GeV each, 0.1 apart: mll = 400 * 0.1 = 40 GeV, above 12 GeV, but closer than 0.2.
BOOSTED = ({**ELECTRON, "pt": 400.0}, {**MUON, "pt": 400.0, "eta": 0.3, "phi": 0.1})

CASES = {
    "as it stands": ({}, "two_jets"),
    "filter fails": ({"filters": False}, "none"),
    "one lepton": ({"muons": ()}, "none"),
    "third good lepton vetoes": ({"muons": (MUON, {**MUON, "pt": 16.0, "phi": -0.9})}, "none"),
    "third bad lepton does not": ({"muons": (MUON, {**MUON, "pt": 14.0, "phi": -0.9})}, "two_jets"),
    "electron in the crack": ({"electrons": ({**ELECTRON, "eta": 1.4, "sc_eta": -1.5},)}, "none"),
    "electron eta in the gap but not its cluster": (
        {"electrons": ({**ELECTRON, "eta": 1.5, "sc_eta": 1.43},)},
        "two_jets",
    ),
    "medium electron": ({"electrons": ({**ELECTRON, "cutBased": 3},)}, "none"),
    "electron beyond eta": ({"electrons": ({**ELECTRON, "eta": -2.41},)}, "none"),
    "muon not tight": ({"muons": ({**MUON, "tightId": False},)}, "none"),
    "muon not isolated": ({"muons": ({**MUON, "pfRelIso04_all": 0.151},)}, "none"),
    "same charge": ({"muons": ({**MUON, "charge": 1},)}, "two_leptons"),
    "no lepton above 25 GeV": (
        {"electrons": ({**ELECTRON, "pt": 24.9},), "muons": ({**MUON, "pt": 24.0},)},
        "opposite_charge",
    ),
    "only the other channels fired": ({"fired": (True, False, True)}, "lead_lepton_pt"),
    "low mass": ({"muons": (COLLINEAR,)}, "trigger"),
    "close leptons": ({"electrons": BOOSTED[:1], "muons": BOOSTED[1:]}, "mll"),
    "one jet": ({"jets": (JET,)}, "delta_r_ll"),
    "jet at threshold": ({"jets": (JET, {**FAR_JET, "pt": 20.0})}, "delta_r_ll"),
    "jet beyond eta": ({"jets": (JET, {**FAR_JET, "eta": 2.5})}, "delta_r_ll"),
    "jet without tight identification": ({"jets": (JET, {**FAR_JET, "jetId": 1})}, "delta_r_ll"),
    "jet of 2016 with bits 1 and 2": ({"jets": (JET, {**FAR_JET, "jetId": 3})}, "two_jets"),
    "pile-up jet below 50 GeV": ({"jets": (JET, {**FAR_JET, "puId": 3})}, "delta_r_ll"),
    "pile-up jet above 50 GeV": ({"jets": (JET, {**FAR_JET, "pt": 50.0, "puId": 0})}, "two_jets"),
    "no pile-up identification in the file": ({"jets": (JET, {**FAR_JET, "puId": 0}), "pu_id": False}, "two_jets"),
    "jet on the electron": ({"jets": (JET, {**FAR_JET, "eta": 0.3, "phi": 0.39})}, "delta_r_ll"),
    "jet beside the electron": ({"jets": (JET, {**FAR_JET, "eta": 0.3, "phi": 0.41})}, "two_jets"),
    # 2.5 and -3.5 are 6.0 apart, or 2 pi - 6.0 = 0.28 around the back
    "jet on the muon around the back": (
        {"muons": ({**MUON, "phi": 3.0},), "jets": (JET, {**FAR_JET, "eta": -0.5, "phi": -3.0})},
        "delta_r_ll",
    ),
}


@pytest.mark.parametrize("select", FORMS)
@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_each_cut_stops_the_events_it_should(select, selection, change, expected):
    dileptons = select(one_event(**change), selection)
    assert last_step(dileptons) == expected
    assert len(dileptons.position) == (expected == "two_jets")
    assert dileptons.n_filtered == (change.get("filters", True))


@pytest.mark.parametrize("select", FORMS)
def test_channels_by_content_and_leptons_by_pt(select, selection):
    positron = {**ELECTRON, "pt": 55.0, "eta": -1.0, "sc_eta": -1.0, "phi": 1.6, "charge": -1}
    other_muon = {**MUON, "pt": 45.0, "eta": 0.9, "phi": 0.4, "charge": 1}
    contents = {"ee": ((ELECTRON, positron), ()), "emu": ((ELECTRON,), (MUON,)), "mumu": ((), (MUON, other_muon))}
    leading = {"ee": 55.0, "emu": 40.0, "mumu": 45.0}
    for name, (electrons, muons) in contents.items():
        dileptons = select(one_event(electrons=electrons, muons=muons), selection)
        assert CHANNELS[dileptons.channel[0]] == name
        assert dileptons.lepton_pt_gev[0, 0] == leading[name]
        assert dileptons.lepton_pt_gev[0, 0] > dileptons.lepton_pt_gev[0, 1]


@pytest.mark.parametrize("select", FORMS)
def test_jets_come_by_falling_pt(select, selection):
    jets = ({**JET, "pt": 30.0}, FAR_JET, {**JET, "eta": -0.6, "phi": 1.2, "pt": 90.0}, {**JET, "pt": 10.0})
    dileptons = select(one_event(jets=jets), selection)
    assert dileptons.jet_index.tolist() == [2, 1, 0]
    assert dileptons.jet_offsets.tolist() == [0, 3]


@pytest.mark.parametrize("select", FORMS)
def test_without_a_crack_veto_electrons_in_it_are_kept(select, selection):
    event = one_event(electrons=({**ELECTRON, "eta": 1.5, "sc_eta": 1.5},))
    assert len(select(event, selection).position) == 0
    no_crack = selection.electron.model_copy(update={"crack_abseta": None})
    assert len(select(event, selection.model_copy(update={"electron": no_crack})).position) == 1


@pytest.mark.parametrize("run3", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_kernel_gives_what_the_awkward_form_gives(make_nanoaod, simulation, tagger, selection, seed, run3):
    path = make_nanoaod(4000, seed, run3=run3, basket=4000)
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection))
    expected = awkward_selection.select(events, selection)
    assert len(expected.position) > 50  # enough for a comparison
    assert set(expected.channel) == {0, 1, 2}
    found = compiled.select(events, selection)
    for name, value in expected._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)
        if isinstance(value, np.ndarray):
            assert getattr(found, name).dtype == value.dtype, name


@pytest.mark.parametrize("select", FORMS)
def test_no_events_give_an_empty_selection(select, make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(30)
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection))
    nothing = events._replace(passes_filters=np.zeros(30, np.bool_))
    dileptons = select(nothing, selection)
    assert dileptons.cut_flow.sum() == 0
    assert dileptons.jet_offsets.tolist() == [0]
    assert all(len(v) == 0 for v in event_variables(dileptons, events.jets))


def test_event_variables_of_a_back_to_back_pair(selection):
    # Leptons of 40 and 30 GeV at the same eta, azimuths 0 and pi: mll^2 = 2 * 40 * 30 * (1 + 1) = 4800 GeV^2,
    # pT(ll) = 10 GeV along x. Jets of 60 and 35 GeV along +y: MHT = sqrt(10^2 + 95^2) GeV, HT = 95 GeV.
    jets = ({**JET, "phi": math.pi / 2}, {**FAR_JET, "phi": math.pi / 2})
    event = one_event(muons=({**MUON, "eta": 0.3, "phi": math.pi},), jets=jets)
    variables = event_variables(compiled.select(event, selection), event.jets)
    assert variables.mll_gev[0] == pytest.approx(math.sqrt(4800.0), rel=1e-6)
    assert variables.pt_ll_gev[0] == pytest.approx(10.0, rel=1e-6)
    assert variables.mht_gev[0] == pytest.approx(math.hypot(10.0, 95.0), rel=1e-6)
    assert variables.ht_gev[0] == 95.0


def test_z_diamond_has_the_four_sides_of_the_cms_code():
    # MHT = 20: 65.5 + 7.5 = 73 and 79 - 15 = 64 from below, 108 - 5 = 103 and 99 + 10 = 109 from above
    # MHT = 0: 65.5 and 79 from below, 108 and 99 from above
    # MHT = 70: 65.5 + 26.25 = 91.75 from below, 108 - 17.5 = 90.5 from above: closed
    mht = np.array([20.0] * 4 + [0.0] * 4 + [70.0])
    mll = np.array([72.9, 73.1, 102.9, 103.1, 78.9, 79.1, 98.9, 99.1, 91.0])
    inside = [False, True, True, False, False, True, True, False, False]
    assert in_z_diamond(mll, mht).tolist() == inside


def test_same_flavour_cuts_spare_emu_and_channels_are_kept(regions):
    channel = np.array([CHANNELS.index(name) for name in ("ee", "ee", "ee", "emu", "mumu", "mumu")])
    mll = np.array([91.0, 60.0, 60.0, 91.0, 101.1, 101.3])  # the window ends at 91.1876 + 10 = 101.1876
    met = np.array([40.0, 40.0, 20.0, 0.0, 40.0, 40.0])
    ones = np.full(6, 50.0)
    passed = passes_event_cuts(regions["hf"], channel, mll, met, ones, ones)
    assert passed.tolist() == [False, True, False, True, False, True]
    inside = np.array([91.0] * 6)
    passed = passes_event_cuts(regions["lf"], channel, inside, np.array([20.0, 30.0, 0, 0, 0, 0]), ones, ones * 0.1)
    assert passed.tolist() == [True, False, True, False, True, True]  # emu is no channel of lf; MET must be below 30
    low_pt_ll = passes_event_cuts(regions["lf"], channel, inside, ones * 0, np.full(6, 9.9), ones * 0.1)
    assert not low_pt_ll.any()
    far = SameFlavourCuts(z_window="inside", z_window_gev=50)
    wide = Region(enriched_flavour="b", channels=("ee",), tag_above=0.3, same_flavour=far)
    assert passes_event_cuts(wide, channel, inside * 0 + 60, met, ones, ones).tolist() == [True] * 3 + [False] * 3


def test_tag_jets_are_cut_on_further_columns(regions, tagger):
    region = regions["lf"].model_copy(
        update={"tag_columns": {"charm": ColumnCut(above=0.8), "width": ColumnCut(above=1.0, below=2.0)}}
    )
    score = np.array([0.01, 0.01, 0.01, 0.01, 0.9])
    columns = {"charm": np.array([0.9, 0.8, np.nan, 0.9, 0.9]), "width": np.array([1.5, 1.5, 1.5, 2.0, 1.5])}
    passed = passes_tag_cut(region, tagger.working_points, score, columns)
    assert passed.tolist() == [True, False, False, False, False]


def test_tag_cuts_are_strict_and_an_invalid_score_lies_below_every_working_point(regions, tagger):
    score = np.array([-1.0, 0.0, 0.0532, 0.3, 0.304, 0.305, 0.9])
    above = passes_tag_cut(regions["hf"], tagger.working_points, score)
    assert above.tolist() == [False] * 5 + [True] * 2
    below = passes_tag_cut(regions["lf"], tagger.working_points, score)
    assert below.tolist() == [True, True] + [False] * 5
    between = regions["hf"].model_copy(update={"tag_above": 0.1, "tag_below": "T"})
    assert passes_tag_cut(between, tagger.working_points, score).tolist() == [False] * 3 + [True] * 3 + [False]
