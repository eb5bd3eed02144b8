"""Shifts that move nothing: counted, and refused with their names where there are enough jets."""

import awkward as ak
import pytest
import uproot

from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.pileup import Pileup
from deepsf.skim.cut_flow import SkimError, read_report
from tests.analysis.skim.hand_jets import JEC, JER, NEW_JER, SOURCES
from tests.analysis.skim.test_pileup import pileup_file


def test_what_shifts_move_is_counted_by_jets_and_by_events(make_nanoaod, skim, corrections, tmp_path):
    settings = JetCorrections(file=str(corrections), jec=JEC, jer=JER, jes_sources=SOURCES)
    pileup = Pileup(file=pileup_file(tmp_path / "pu.json"), name="pu")
    path = make_nanoaod(2000, energy=True)
    report, entries, _ = skim(path, jet_corrections=settings, pileup=pileup)
    assert list(report.moved) == [*report.kinematic_shifts[1:], *report.weight_shifts]
    n_events = sum(report.cut_flow["two_jets"].values())
    assert {name: report.moved[name] for name in report.weight_shifts} == dict.fromkeys(report.weight_shifts, n_events)
    # soft and forward jets move as well, and enter the missing pT
    n_jets = report.moved["jesAbsolute_up"]
    assert n_jets > 2 * report.jets["selected"]
    assert {report.moved[name] for name in report.kinematic_shifts[1:]} == {n_jets}
    assert read_report(entries).moved == report.moved
    assert skim(path, events_per_chunk=300, jet_corrections=settings, pileup=pileup)[0].moved == report.moved


def test_shifts_that_move_nothing_are_named_with_correction_and_file(make_nanoaod, skim, corrections, tmp_path):
    path = make_nanoaod(2000, energy=True)
    jer = {**NEW_JER, "scale_factor_uncertainty": "NoUncertainty"}
    settings = JetCorrections(file=str(corrections), jer=jer, jes_sources={"A": "Absolute", "N": "NoUncertainty"})
    pileup = Pileup(file=pileup_file(tmp_path / "pu.json"), name="pu", shifts=("up", "nominal"))
    with pytest.raises(SkimError) as caught:
        skim(path, jet_corrections=settings, pileup=pileup)
    report = skim(path, jet_corrections=JetCorrections(file=str(corrections), jer=NEW_JER))[0]
    n_events, n_jets = sum(report.cut_flow["two_jets"].values()), report.jets["selected"]
    assert str(caught.value).splitlines()[1:] == [
        f"  shift(s) {shifts} change nothing; correct or drop the entry"
        for shifts in (
            "jer_up and jer_down (jet_corrections.jer: NoUncertainty)",
            "jesN_up and jesN_down (jet_corrections.jes_sources.N: NoUncertainty)",
            "pileup_down (pileup.shifts: nominal of pu)",
        )
    ]
    assert str(caught.value).splitlines()[0] == (
        f"{path}: 5 shift(s) change nothing in {n_events} selected events with {n_jets} jets, as if there were no such "
        "uncertainty"
    )
    assert n_jets > 100


def test_weights_that_are_all_alike_are_no_shift(make_nanoaod, skim):
    path = make_nanoaod(2000, energy=True)
    with uproot.open(path) as file:
        lists = file["Events/LHEScaleWeight"].array()
    path = make_nanoaod(2000, energy=True, replace={"LHEScaleWeight": ak.ones_like(lists)})
    with pytest.raises(SkimError, match=r"genscale_up and genscale_down \(branch LHEScaleWeight\)"):
        skim(path)


@pytest.mark.parametrize("n_events", [0, 100])
def test_few_jets_do_not_judge_a_shift(make_nanoaod, skim, corrections, n_events):
    settings = JetCorrections(file=str(corrections), jes_sources={"N": "NoUncertainty"})
    report = skim(make_nanoaod(n_events, energy=True), jet_corrections=settings)[0]
    assert report.jets["selected"] < 50
    assert report.moved["jesN_up"] == 0


def test_a_source_of_forward_jets_alone_is_judged_later(make_nanoaod, skim, corrections):
    # jets of these files end at |eta| = 2.8, the source begins at 3
    settings = JetCorrections(file=str(corrections), jes_sources={"Forward": "Forward"})
    report = skim(make_nanoaod(2000, energy=True), jet_corrections=settings)[0]
    assert 50 < report.jets["selected"] < 1000
    assert report.moved["jesForward_up"] == 0
    with pytest.raises(SkimError, match=r"jesForward_up and jesForward_down"):
        skim(make_nanoaod(20_000, energy=True), jet_corrections=settings)
