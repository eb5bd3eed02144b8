"""The dilepton preselection: known events one by one, and the kernel against the awkward form."""

import numpy as np
import pytest

from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.skim import selection as compiled
from deepsf.skim.dileptons import dilepton_mass, event_variables
from tests.analysis.skim.hand_event import ELECTRON, FAR_JET, JET, MUON, one_event
from tests.oracles import awkward_selection

FORMS = [pytest.param(awkward_selection.select, id="awkward"), pytest.param(compiled.select, id="numba")]


def last_step(dileptons):
    """Return the last step of the cut flow that the one event passes."""
    passed = {step: int(n_events.sum()) for step, n_events in dileptons.cut_flow.items()}
    assert list(passed.values()) == sorted(passed.values(), reverse=True)
    return ([step for step, n_events in passed.items() if n_events] or ["none"])[-1]


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
    dileptons = compiled.select(events, selection)
    assert {step: n.tolist() for step, n in dileptons.cut_flow.items()} == {
        step: n.tolist() for step, n in expected.cut_flow.items()
    }
    for name, value in expected._replace(cut_flow={})._asdict().items():
        if name != "cut_flow":
            np.testing.assert_array_equal(getattr(dileptons, name), value, err_msg=name)
        if isinstance(value, np.ndarray):
            assert getattr(dileptons, name).dtype == value.dtype, name


def test_pairs_are_heavier_than_a_mass_as_the_full_formula_says():
    rng = np.random.default_rng(12)
    n = 200_000
    pt, eta = rng.exponential(20.0, (n, 2)) + 5.0, rng.uniform(-2.5, 2.5, (n, 2))
    phi = rng.uniform(-3.2, 3.2, (n, 2))  # NanoAOD's rounding exceeds pi
    mass = dilepton_mass(pt, eta, phi)
    pairs = np.stack([pt, eta, phi, np.ones((n, 2))], axis=2)
    for limit in (0.0, 12.0, 91.0):
        heavier = [compiled._is_heavier(pair, limit) for pair in pairs]
        np.testing.assert_array_equal(heavier, mass > limit)
    # a pair at the threshold fails
    assert not compiled._is_heavier(pairs[0], np.nextafter(mass[0], 1e3))


@pytest.mark.parametrize("select", FORMS)
def test_no_events_give_an_empty_selection(select, make_nanoaod, simulation, tagger, selection):
    path = make_nanoaod(30)
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection))
    nothing = events._replace(passes_filters=np.zeros(30, np.bool_))
    dileptons = select(nothing, selection)
    assert not any(n_events.any() for n_events in dileptons.cut_flow.values())
    assert dileptons.jet_offsets.tolist() == [0]
    assert all(len(v) == 0 for v in event_variables(dileptons, events.jets))
