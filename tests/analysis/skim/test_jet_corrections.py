"""Corrections of jets worked out by hand; shifts of a file against a file whose jets were scaled by hand."""

import math

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.jet_corrections import JetCorrections
from deepsf.nanoaod.branches import NO_CORRECTIONS, inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError
from deepsf.skim import selection as kernel
from deepsf.skim.jet_corrections import JetCorrectionError
from deepsf.skim.jet_id import identification_of
from tests.analysis.skim.hand_jets import JEC, JER, LEVELS, SOURCES, chunk, energy, varied
from tests.oracles import awkward_selection


@pytest.mark.parametrize("levels", [LEVELS, ("compound",)])
def test_levels_by_hand_each_at_the_pt_of_the_one_before(corrections, levels):
    # raw 0.9 * 60 = 54 GeV; L1: 1 - 0.1 * 20 * 0.5 / 54 leaves 53 GeV; L2 there: 1.1 * 53 = 58.3 GeV
    (changed,) = varied(energy(corrections, jec={"simulation": levels}), *chunk([60.0])).values()
    assert changed.jets.columns["pt"].tolist() == pytest.approx([58.3], rel=1e-6)
    # the jet points along -x and lost 1.7 GeV: 30 GeV of missing pT along +x become 28.3 GeV
    assert changed.met_gev.tolist() == pytest.approx([28.3], rel=1e-6)


def test_missing_pt_follows_both_components(corrections):
    # along +y the loss of 1.7 GeV makes (30, 1.7) GeV
    (changed,) = varied(energy(corrections, jec=JEC), *chunk([60.0], phi=math.pi / 2)).values()
    assert changed.met_gev.tolist() == pytest.approx([math.hypot(30.0, 1.7)], rel=1e-6)


def test_soft_jets_and_jets_on_leptons_do_not_change_the_missing_pt(corrections):
    # 13.6 -> raw 12.24 -> 11.24 -> 12.364 GeV, below 15 GeV; the other one lies on the lepton at (-2, -1.5)
    events, leptons = chunk([60.0, 13.6], eta=(-2.0, 1.0), phi=(-1.3, 0.3))
    (changed,) = varied(energy(corrections, jec=JEC), events, leptons).values()
    assert changed.jets.columns["pt"].tolist() == pytest.approx([60.0, 12.364], rel=1e-6)
    assert changed.met_gev.tolist() == [30.0]


def test_sources_scale_the_smeared_pt_by_hand(corrections):
    # smeared to 62 GeV; Absolute 2 %: 63.24 and 60.76; Sloped 0.01 + 0.4 / 62: 62.0 * 1.01 + 0.4 = 63.02 and 60.98 GeV
    jets = chunk([60.0], gen=[(50.0, 1.0, math.pi)], partner=[0])
    shifts = varied(energy(corrections, jer=JER, jes_sources=SOURCES), *jets)
    pt = {name: events.jets.columns["pt"][0] for name, events in shifts.items()}
    expected = {"jesAbsolute_up": 63.24, "jesAbsolute_down": 60.76, "jesSloped_up": 63.02, "jesSloped_down": 60.98}
    assert list(pt) == ["nominal", "jer_up", "jer_down", *expected]
    assert {name: pt[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert shifts["jesAbsolute_down"].met_gev[0] == pytest.approx(30.76, rel=1e-6)


def test_data_are_corrected_with_their_own_levels_and_never_smeared_or_shifted(corrections):
    sections = {"jec": {"simulation": LEVELS, "data": ("L2Relative",), "samples": {"late": ("L1FastJet",)}}, "jer": JER}
    jets = chunk([60.0])
    for sample, expected in (("early", 108.0), ("late", 53.0)):  # 54 * 2, and 54 - 1 GeV
        of_data = energy(corrections, sample, "data", jes_sources=SOURCES, **sections)
        assert of_data.shifts == ("nominal",)
        assert not of_data.branches.generator
        (changed,) = varied(of_data, *jets).values()
        assert changed.jets.columns["pt"].tolist() == pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize(("run", "phi", "factor"), [(1, 1.0, 1.5 * 4.0), (1, -1.0, 1.5 * 3.0), (5, 1.0, 2.0 * 4.0)])
def test_a_compound_of_all_eras_gets_run_and_phi_by_their_names(corrections, run, phi, factor):
    # raw 54 GeV, 53 GeV after L1; the residuals are 1.5 up to run 1, 2 later, 4 at positive phi and 3 at negative
    events, leptons = chunk([60.0], phi=phi)
    of_data = energy(corrections, "data", "data", jec={"data": ("compound_of_data",)})
    (changed,) = varied(of_data, events._replace(run=np.array([run], np.uint32)), leptons).values()
    assert changed.jets.columns["pt"].tolist() == pytest.approx([53.0 * factor], rel=1e-6)


def test_without_a_correction_for_it_data_stay_as_they_are(corrections):
    events, leptons = chunk([60.0])
    stored = energy(corrections, "data", "data", jes_sources=SOURCES)
    assert stored.branches == NO_CORRECTIONS  # reads nothing more
    assert varied(stored, events, leptons)["nominal"] is events


def test_all_missing_and_unknown_corrections_are_named_at_once(corrections):
    with pytest.raises(JetCorrectionError, match="3 problem") as caught:
        energy(
            corrections, jec={"simulation": ("L9",)}, jer={**JER, "resolution": "None_Such"}, jes_sources={"Odd": "Odd"}
        )
    text = str(caught.value)
    assert "jec.simulation: the file has no correction 'L9'; it has " in text
    assert "jet_corrections.jer.resolution: the file has no correction 'None_Such'" in text
    assert "jes_sources.Odd: 'Odd' takes Temperature; known inputs are JetPt, JetEta" in text


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(JetCorrectionError, match=r"broken\.json: not a readable correctionlib file .*jet_corrections"):
        energy(tmp_path / "broken.json", jec=JEC)


def test_values_that_cannot_be_used_are_errors_with_the_jet(corrections):
    with pytest.raises(JetCorrectionError, match=r"'Zero' is 0 at pT = 54 GeV, eta = 1 \(1 of 1 jets\).* above 0"):
        varied(energy(corrections, jec={"simulation": ("Zero",)}), *chunk([60.0]))
    with pytest.raises(JetCorrectionError, match="'Narrow' is not defined for all jets, with pT from 60 to 60 GeV"):
        varied(energy(corrections, jes_sources={"N": "Narrow"}), *chunk([60.0]))


def test_a_section_that_does_nothing_is_refused():
    with pytest.raises(ValueError, match="give at least one of jec, jer and jes_sources, or drop the section"):
        JetCorrections(file="x.json")


@pytest.mark.parametrize("run3", [False, True])
def test_the_kernel_gives_what_the_awkward_form_gives_for_every_shift(
    make_nanoaod, corrections, simulation, tagger, selection, run3
):
    jets_energy = energy(corrections, jec=JEC, jer=JER, jes_sources=SOURCES)
    path = make_nanoaod(3000, 5, run3=run3, energy=True, basket=3000)
    needed = jets_energy.branches._replace(jet_content=("jetId",))
    (events,) = iterate(inspect(path, simulation, tagger=tagger, selection=selection, corrections=needed))
    leptons = kernel.select_leptons(events, selection)
    by_bit = identification_of(selection.jet)
    events = events._replace(jets=kernel.with_identification(events.jets, leptons, selection, by_bit))
    differ = 0
    for name, shifted in jets_energy.vary(events, leptons, 0.4):
        compiled = kernel.with_jets(leptons, shifted.jets, selection)
        expected = awkward_selection.select(shifted, selection)
        assert len(expected.position) > 50
        for field in set(expected._fields) - {"cut_flow"}:
            np.testing.assert_array_equal(getattr(compiled, field), getattr(expected, field), err_msg=f"{name} {field}")
        np.testing.assert_array_equal(compiled.cut_flow["two_jets"], expected.cut_flow["two_jets"])
        differ += not np.array_equal(expected.position, kernel.select(events, selection).position)
    assert differ == 7  # jets cross the threshold in every one of them


def test_branches_that_corrections_need_are_asked_for_with_a_way_out(
    make_nanoaod, corrections, simulation, tagger, selection
):
    needed = energy(corrections, jec=JEC, jer=JER).branches
    path = make_nanoaod(50, energy=True, drop=["Jet_rawFactor", "Jet_genJetIdx"])
    with pytest.raises(NtupleError, match="2 required branch") as caught:
        inspect(path, simulation, tagger=tagger, selection=selection, corrections=needed)
    assert "Jet_rawFactor is missing and required; drop the jet_corrections section" in str(caught.value)
    assert "drop jet_corrections.jer" in str(caught.value)


def scaled_by_hand(path, out, factor):
    """Write a copy of a file with scaled jets and the missing pT that follows."""
    with uproot.open(path) as file:
        names = [name for name in file["Events"].keys() if not name.startswith("n")]  # noqa: SIM118
        arrays = file["Events"].arrays(names, library="ak", how=dict)
    pt, phi, eta = (arrays[f"Jet_{name}"] for name in ("pt", "phi", "eta"))
    arrays["Jet_pt"] = ak.values_astype(pt * factor, np.float32)
    enters = pt > 15.0
    sc_eta = np.abs(arrays["Electron_eta"] + arrays["Electron_deltaEtaSC"])
    quality = {
        "Electron": (arrays["Electron_cutBased"] >= 4) & ((sc_eta < 1.4442) | (sc_eta > 1.566)),
        "Muon": arrays["Muon_tightId"] & (arrays["Muon_pfRelIso04_all"] < 0.15),
    }
    for lepton, good in quality.items():
        good = good & (arrays[f"{lepton}_pt"] > 15.0) & (np.abs(arrays[f"{lepton}_eta"]) < 2.4)
        pairs = ak.cartesian([eta, arrays[f"{lepton}_eta"][good]], nested=True)
        angles = ak.cartesian([phi, arrays[f"{lepton}_phi"][good]], nested=True)
        delta = np.abs(angles["0"] - angles["1"])
        distance = np.hypot(pairs["0"] - pairs["1"], np.minimum(delta, 2 * np.pi - delta))
        enters = enters & ak.fill_none(ak.min(distance, axis=-1) > 0.4, True)
    change = ak.where(enters, pt * (factor - 1.0), 0.0)
    x = arrays["MET_pt"] * np.cos(arrays["MET_phi"]) - ak.sum(change * np.cos(phi), axis=1)
    y = arrays["MET_pt"] * np.sin(arrays["MET_phi"]) - ak.sum(change * np.sin(phi), axis=1)
    arrays["MET_pt"], arrays["MET_phi"] = (ak.values_astype(v, np.float32) for v in (np.hypot(x, y), np.arctan2(y, x)))
    with uproot.open(path) as file, uproot.recreate(out) as copy:
        types = {name: a.type.content for name, a in arrays.items()}
        copy.mktree("Events", types).extend(arrays)
        copy.mktree("Runs", {"genEventSumw": "f8"}).extend({"genEventSumw": file["Runs/genEventSumw"].array()})
    return out


@pytest.fixture
def skim(skim):
    """Return the tables of a skimmed file."""

    def run(path, name, **settings):
        return [pq.read_table(table).to_pandas() for table in skim(path, name, **settings)[1:]]

    return run


def of_shift(rows, number):
    return rows[rows["shift"] == number].drop(columns="shift").reset_index(drop=True)


@pytest.mark.parametrize(("direction", "factor"), [("up", 1.02), ("down", 0.98)])
def test_shifted_rows_are_the_nominal_rows_of_a_file_scaled_by_hand(
    make_nanoaod, corrections, skim, tmp_path, direction, factor
):
    path = make_nanoaod(12_000, 3, energy=True, basket=12_000)
    settings = JetCorrections(file=str(corrections), jes_sources={"Absolute": "Absolute"})
    shifted = skim(path, "shifted", jet_corrections=settings)
    scaled = skim(scaled_by_hand(path, tmp_path / f"{direction}.root", factor), "scaled")
    number = settings.shifts.index(f"jesAbsolute_{direction}")
    for one, other in zip(shifted, scaled, strict=True):
        rows, expected = of_shift(one, number), of_shift(other, 0)
        assert len(expected) > 150
        assert not rows.equals(of_shift(one, 0))
        exact = [name for name in rows if not name.startswith("weight_") and not name.endswith("_gev")]
        pd.testing.assert_frame_equal(rows[exact], expected[exact])
        for name in (name for name in rows if name.endswith("_gev")):
            np.testing.assert_allclose(rows[name], expected[name], rtol=2e-6, atol=1e-4, err_msg=name)


def test_sources_alone_leave_the_nominal_rows_as_they_are(make_nanoaod, corrections, skim):
    path = make_nanoaod(2000, energy=True)
    plain = skim(path, "plain")
    settings = JetCorrections(file=str(corrections), jes_sources=SOURCES)
    for one, other in zip(plain, skim(path, "s", jet_corrections=settings), strict=True):
        pd.testing.assert_frame_equal(of_shift(one, 0), of_shift(other, 0))
        assert set(other["shift"]) == set(range(5))


def test_chunks_change_no_row_of_any_shift(make_nanoaod, corrections, skim):
    path = make_nanoaod(1500, energy=True)
    settings = JetCorrections(file=str(corrections), jec=JEC, jer=JER, jes_sources=SOURCES)
    whole = skim(path, "whole", jet_corrections=settings)
    parts = skim(path, "parts", events_per_chunk=400, jet_corrections=settings)
    for one, other in zip(whole, parts, strict=True):
        for number in range(7):
            pd.testing.assert_frame_equal(of_shift(one, number), of_shift(other, number))


def test_rows_of_shifted_jets_have_no_shifted_weights(make_nanoaod, corrections, skim):
    settings = JetCorrections(file=str(corrections), jes_sources=SOURCES)
    for rows in skim(make_nanoaod(energy=True), "s", jet_corrections=settings):
        names = [name for name in rows if name.startswith("weight_")]
        assert len(names) == 6
        assert (rows.loc[rows["shift"] > 0, names] == 1.0).all(axis=None)
        assert (rows.loc[rows["shift"] == 0, names] != 1.0).all(axis=None)
