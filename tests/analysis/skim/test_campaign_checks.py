"""What files of a campaign agree on: every kind of disagreement in words, and what is no disagreement."""

import pytest

from deepsf.config.samples import Sample
from deepsf.skim.campaign_checks import (
    foreign_pileup,
    missing_shifts,
    mixed_branches,
    require_consistent,
    same_files,
)
from deepsf.skim.cut_flow import SkimError
from tests.analysis.skim.hand_reports import report

DATA = Sample(kind="data", files=("x",))
SIMULATION = Sample(kind="simulation", files=("x",), cross_section_pb=1.0)
SAMPLES = {"muons": DATA, "ttbar": SIMULATION, "zjets": SIMULATION}
UL = {"missing pT": "MET", "pile-up id": "Jet_puId", "number of vertices": "PV_npvsGood", "rho": "not used"}


def data(file="d.root", **changes):
    return report(file, "muons", "data", **changes)


def test_copies_are_named_once_for_all_of_them():
    reports = [data("a.root", content="1"), report("b.root", content="2"), data("c.root", content="1")]
    assert list(same_files(reports)) == [
        "a.root (muons) and c.root (muons) hold the same 100 events: they would count 2 times; take all but one off "
        "the samples"
    ]
    reports += [report("e.root", "zjets", content="1"), data("f.root", content="1")]
    assert [line.split(" hold ")[0] for line in same_files(reports)] == ["a.root (muons) and c.root (muons) and 2 more"]
    assert "count 4 times" in next(same_files(reports))


def test_files_without_events_are_no_copies_of_each_other():
    assert list(same_files([data("a.root", content=""), data("b.root", content="")])) == []


@pytest.mark.parametrize(
    ("quantity", "branch", "way_out"),
    [
        ("missing pT", "PuppiMET", "set selection.met_branches to one that all files have"),
        ("pile-up id", "none", "set selection.jet.pu_id_bit to null to do without it"),
        ("number of vertices", "none", "name one that all files have in selection.branches, as PV_npvsGood"),
    ],
)
def test_a_fallback_of_some_files_is_named(quantity, branch, way_out):
    reports = [report(f"{k}.root", resolved=UL) for k in "abc"]
    assert list(mixed_branches(reports, SAMPLES)) == []
    other = data("d.root", resolved=UL | {quantity: branch})
    lines = [f"{UL[quantity]} in a.root (ttbar) and b.root (ttbar) and 1 more", f"{branch} in d.root (muons)"]
    assert list(mixed_branches([*reports, other], SAMPLES)) == [
        f"{quantity} is not the same in all files: {'; '.join(sorted(lines))}; {way_out}"
    ]


def test_eras_and_quantities_that_are_not_used_may_differ():
    run3 = {**UL, "missing pT": "PuppiMET", "pile-up id": "none"}
    eras = {"muons": DATA.model_copy(update={"era": "2017"}), "ttbar": SIMULATION.model_copy(update={"era": "2022"})}
    reports = [data(resolved=UL), report(resolved=run3)]
    assert list(mixed_branches(reports, eras)) == []
    both = {"muons": eras["muons"], "ttbar": eras["ttbar"].model_copy(update={"era": "2017"})}
    found = list(mixed_branches(reports, both))
    assert [line.split(":")[0] for line in found] == [
        "missing pT is not the same in all files of era 2017",
        "pile-up id is not the same in all files of era 2017",
    ]
    # data have no rho where only simulation is corrected with it
    with_rho = [data(resolved=UL), report(resolved=UL | {"rho": "fixedGridRhoFastjetAll"})]
    assert list(mixed_branches(with_rho, SAMPLES)) == []
    other_rho = report("r.root", "zjets", resolved=UL | {"rho": "Rho_fixedGridRhoFastjetAll"})
    (line,) = mixed_branches([*with_rho, other_rho], SAMPLES)
    assert line == (
        "rho is not the same in all files: Rho_fixedGridRhoFastjetAll in r.root (zjets); fixedGridRhoFastjetAll in "
        "a.root (ttbar); take files of one version of NanoAOD"
    )
    assert list(mixed_branches([report(resolved={}), data(resolved=UL)], SAMPLES)) == []  # a file without events


def shifted(file="a.root", sample="ttbar", *sources, **changes):
    names = tuple(f"{source}_{direction}" for source in sources for direction in ("up", "down"))
    return report(file, sample, weight_shifts=names, **changes)


def test_a_shift_that_others_have_is_missed_file_by_file():
    reports = [
        data(),
        shifted("a.root", "ttbar", "genscale", "psisr"),
        shifted("b.root", "ttbar", "genscale"),
        shifted("c.root", "zjets", "genscale"),
        shifted("e.root", "zjets", n_events=0),
    ]
    assert list(missing_shifts(reports, SAMPLES, None)) == [
        "no weights of psisr in b.root (ttbar) and c.root (zjets), but in other simulated files: the shift would move "
        "only those; add psisr to missing_shifts of the samples, or leave it out of shifts.weights"
    ]
    named = SAMPLES | {"zjets": SIMULATION.model_copy(update={"missing_shifts": ("psisr",)})}
    (line,) = missing_shifts(reports, named, None)
    assert line.startswith("no weights of psisr in b.root (ttbar), but in other")
    assert list(missing_shifts(reports[:2], SAMPLES, None)) == []


def test_a_shift_that_was_asked_for_and_no_file_has_is_named():
    reports = [data(), shifted("a.root", "ttbar", "genscale")]
    assert list(missing_shifts(reports, SAMPLES, ["genscale"])) == []
    assert list(missing_shifts(reports, SAMPLES, ["genscale", "pdf"])) == [
        "shifts.weights: no simulated file has weights of pdf; leave it out"
    ]
    everywhere_missing = {name: s.model_copy(update={"missing_shifts": ("pdf",)}) for name, s in SAMPLES.items()}
    assert len(list(missing_shifts(reports, everywhere_missing, ["pdf"]))) == 1
    assert list(missing_shifts([data()], SAMPLES, None)) == []


def test_all_problems_are_told_at_once():
    reports = [
        data("a.root", content="1", resolved=UL),
        data("b.root", content="1", resolved=UL),
        shifted("c.root", "ttbar", "psisr", resolved=UL | {"missing pT": "PuppiMET"}),
        shifted("e.root", "zjets", resolved=UL),
    ]
    with pytest.raises(SkimError) as error:
        require_consistent(reports, SAMPLES, None)
    assert [line.split(" ")[0] for line in str(error.value).splitlines()] == ["a.root", "missing", "no"]
    require_consistent(reports[1:2], SAMPLES, None)


def test_pileup_weights_of_another_simulation_are_named_by_sample():
    def of(n, total, sample="ttbar"):
        return report(sample=sample, pileup={"n": n, "sum": total})

    assert list(foreign_pileup([report(), data(), of(80, 160.0)])) == []  # without weights, or with too few
    assert list(foreign_pileup([of(1000, 1240.0), of(1000, 820.0, "zjets")])) == []
    # 50 + 150 events, worth 40 + 280: 1.6 on average
    assert list(foreign_pileup([of(50, 40.0), of(150, 280.0), of(1000, 1000.0, "zjets")])) == [
        "sample ttbar: the mean pile-up weight is 1.6 of 200 events with two jets, not between 0.8 and 1.25: the "
        "weights are made for a simulation with another pile-up; take those of its era (pileup.file, pileup.name)"
    ]
    assert ["mean pile-up weight is 0.75 " in line for line in foreign_pileup([of(1000, 750.0)])] == [True]
