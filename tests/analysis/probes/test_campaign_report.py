"""Skims of a campaign together: the gate, yields at the luminosity, and the text that a user reads."""

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from deepsf.probes.campaign_report import (
    Yields,
    files_without_events,
    format_campaign,
    format_yields,
    lost_in_order,
    processed_blocks,
    require_usable_campaign,
    yields_of,
)
from deepsf.skim.cut_flow import SkimError
from deepsf.skim.limits import Limits
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.analysis.skim.hand_reports import report

LIMITS = Limits(branch="btagDeepFlavB", max_invalid_fraction=0.05, max_weight_share=0.05)


@pytest.fixture
def skim(tmp_path, tagger, selection, regions):
    """Skim a file of a sample; return its tables."""

    def run(path, name, sample, **settings):
        tables = tuple(tmp_path / f"{name}_{path.stem}_{kind}.parquet" for kind in ("entries", "jets"))
        chosen = SkimSettings(name, sample, tagger, selection, {"hf": regions["hf"]}, **settings)
        skim_file(path, chosen, entries_path=tables[0], jets_path=tables[1])
        return tables

    return run


@pytest.fixture
def make(make_nanoaod):
    """Make a file of 2000 events; those of another seed have other numbers."""

    def make(seed, name, *, replace=None, **settings):
        numbers = {"event": np.arange(2000, dtype=np.uint64) + np.uint64(10_000 * seed)}
        return make_nanoaod(2000, seed, name=name, energy=True, replace={**numbers, **(replace or {})}, **settings)

    return make


@pytest.fixture
def campaign(make, skim, data, simulation):
    """Return the tables of two files of data and two of simulation, and their samples."""
    samples = {"muons": data, "ttbar": simulation}
    tables = [skim(make(seed, f"{seed}.root", data=True), "muons", data) for seed in (1, 2)]
    tables += [skim(make(seed, f"{seed}.root"), "ttbar", simulation) for seed in (3, 4)]
    return tables, samples


def usable(tables, samples, regions, sources=None):
    return require_usable_campaign(tables, samples, {"hf": regions["hf"]}, LIMITS, sources)


def test_a_sound_campaign_gives_a_report_for_each_sample(campaign, regions):
    reports = usable(*campaign, regions)
    assert {name: (of_sample.n_events, of_sample.kind) for name, of_sample in reports.items()} == {
        "muons": (4000, "data"),
        "ttbar": (4000, "simulation"),
    }
    assert processed_blocks(reports) == {"muons": {"300000": [[1, 20]]}}


def test_a_copy_under_another_name_stops_a_campaign(campaign, make, skim, data, simulation, regions):
    tables, samples = campaign
    copy = make(1, "other.root", data=True, basket=77)  # written in another way
    with pytest.raises(SkimError, match=r"^1\.root \(muons\) and other\.root \(electrons\) hold the same 2000 events"):
        usable([*tables, skim(copy, "electrons", data)], {**samples, "electrons": data}, regions)
    again = make(4, "again.root")
    with pytest.raises(SkimError, match=r"^4\.root \(ttbar\) and again\.root \(ttbar\) hold the same 2000 events"):
        usable([*tables, skim(again, "ttbar", simulation)], samples, regions)


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (
            ["MET_pt", "MET_phi"],
            r"missing pT is not the same in all files: MET in 1\.root \(muons\) and 2\.root \(muons\) and 2 more; "
            r"PuppiMET in other\.root \(muons\); set selection\.met_branches to one that all files have",
        ),
        (["Jet_puId"], r"pile-up id is not the same in all files: Jet_puId in .* none in other\.root \(muons\); set "),
        (["PV_npvsGood"], r"number of vertices is not the same in all files: .* selection\.branches"),
    ],
)
def test_files_that_fell_back_on_other_branches_stop_a_campaign(campaign, make, skim, regions, drop, message):
    tables, samples = campaign
    other = skim(make(7, "other.root", data=True, drop=drop), "muons", samples["muons"])
    with pytest.raises(SkimError, match=f"^{message}"):
        usable([*tables, other], samples, regions)


def test_a_shift_that_some_files_lack_stops_a_campaign(campaign, make, skim, regions):
    tables, samples = campaign
    without = make(7, "other.root", drop=["LHEScaleWeight"])
    with pytest.raises(SkimError) as error:
        usable([*tables, skim(without, "ttbar", samples["ttbar"])], samples, regions)
    assert str(error.value) == (
        "no weights of genscale in other.root (ttbar), but in other simulated files: the shift would move only those; "
        "add genscale to missing_shifts of the samples, or leave it out of shifts.weights"
    )
    pythia = samples["ttbar"].model_copy(update={"missing_shifts": ("genscale",)})
    usable([*tables, skim(without, "pythia", pythia)], {**samples, "pythia": pythia}, regions)
    with pytest.raises(SkimError, match=r"^shifts\.weights: no simulated file has weights of pdf; leave it out$"):
        usable(tables, samples, regions, ["genscale", "pdf"])


def test_an_outlier_of_a_sample_stops_a_campaign(campaign, make, skim, regions):
    tables, samples = campaign
    selected = pq.read_table(skim(make(7, "other.root"), "ttbar", samples["ttbar"])[1])["entry"][0].as_py()
    lists = ak.values_astype(ak.Array([[1.01 if k != selected else 1e6] * 4 for k in range(2000)]), "f4")
    broken = make(7, "other.root", replace={"PSWeight": lists})
    with pytest.raises(SkimError, match=r"^sample ttbar: one of \d+ selected events has .* weights of ps\w+ \(its w"):
        usable([*tables, skim(broken, "ttbar", samples["ttbar"])], samples, regions)


def simulated(**changes):
    return Sample(kind="simulation", files=("x",), cross_section_pb=2.0, **changes)


DATA = Sample(kind="data", files=("x",))


def test_yields_are_scaled_to_the_luminosity_by_era(regions):
    hf = {"hf": regions["hf"]}
    reports = {"muons": report(sample="muons", kind="data"), "ttbar": report(), "given": report(sample="given")}
    samples = {"muons": DATA, "ttbar": simulated(), "given": simulated(sum_weights=500.0)}
    # 5 events of weight 1: sigma L / sum of weights = 2 pb x 1000 x 0.5 / fb over 100, and over 500
    assert yields_of(reports, samples, 0.5, hf) == [
        Yields(None, "hf", channel, 5.0, pytest.approx(5 * 10.0 + 5 * 2.0)) for channel in CHANNELS
    ]
    of_eras = {
        "muons": Sample(kind="data", files=("x",), era="a"),
        "ttbar": simulated(era="a", luminosity_ifb=0.2),
        "given": simulated(era="b", luminosity_ifb=0.3, sum_weights=500.0),
    }
    found = yields_of(reports, of_eras, 0.5, hf)
    assert [(row.era, row.data, row.simulation) for row in found] == [
        *[("a", 5.0, pytest.approx(5 * 4.0))] * 3,
        *[("b", 0.0, pytest.approx(5 * 1.2))] * 3,
    ]
    with pytest.raises(ValueError, match="sample ttbar: generator weights sum to -3; a positive, finite sum is needed"):
        yields_of(reports | {"ttbar": report(sum_weights=-3.0)}, samples, 0.5, hf)


def test_yields_that_are_off_are_pointed_at():
    rows = [
        Yields(None, "hf", "ee", 200.0, 100.0),
        Yields("2017", "hf", "emu", 201.0, 100.0),
        Yields(None, "lf", "mumu", 49.0, 100.0),
        Yields(None, "lf", "ee", 5.0, -1.0),
        Yields(None, "lf", "emu", 0.0, 9.0),
    ]
    assert [row.is_off for row in rows] == [False, True, True, True, True]
    mark = "  outside of 0.5 to 2: check luminosity and cross sections"
    empty = "  nothing to compare: scale factors cannot be measured in this channel"
    assert format_yields(rows).splitlines() == [
        "yields before the tag        channel        data  simulation   data/sim.",
        "hf                                ee         200         100       2.000",
        f"hf 2017                          emu         201         100       2.010{mark}",
        f"lf                              mumu          49         100       0.490{mark}",
        f"lf                                ee           5          -1           -{empty}",
        f"lf                               emu           0           9       0.000{empty}",
    ]


def test_a_campaign_is_printed_sample_by_sample():
    blocks = {"300000": [[1, 3]], "300001": [[7, 7]]}
    reports = {
        "muons": report(sample="muons", kind="data", luminosity_blocks=blocks),
        "electrons": report(sample="electrons", kind="data", luminosity_blocks={}),
        "ttbar": report(),
    }
    certified = {"muons": LuminosityBlocks.of_ranges({"300000": [[1, 16]]}), "electrons": None}
    text = format_campaign(
        reports, certified, [Yields(None, "hf", "ee", 5.0, 4.0)], ["3 of 3 luminosity blocks are lost"]
    )
    parts = text.split("\n\n")
    assert [part.split(":")[0] for part in parts[:3]] == ["muons (data)", "electrons (data)", "ttbar (simulation)"]
    assert parts[3].splitlines() == [
        "luminosity blocks of muons: 4 of 16 certified ones processed",
        "luminosity blocks of electrons: 0 processed, all taken as certified",
        "3 of 3 luminosity blocks are lost",
    ]
    assert parts[4].endswith("hf                                ee           5           4       1.250\n")


def test_blocks_that_the_first_data_set_lacks_are_told():
    def of(name, **blocks):
        ranges = {run.removeprefix("run"): of_run for run, of_run in blocks.items()}
        return report(sample=name, kind="data", luminosity_blocks=ranges)

    reports = {
        "doublemuon": of("doublemuon", run5=[[1, 9]]),
        "singlemuon": of("singlemuon", run5=[[2, 9]], run6=[[1, 2]]),
        "muon": of("muon", run5=[[8, 10]], run7=[[1, 4]]),
    }
    samples = dict.fromkeys(reports, DATA)
    text = (
        "{} luminosity blocks of {} are not in {}, which comes before it in campaign.data_order: events there that "
        "fired a trigger of {} count nowhere; add its missing files, or give it its runs"
    )
    assert list(lost_in_order(reports, samples, ["doublemuon", "singlemuon", "muon"])) == [
        text.format("2 of 10", "singlemuon", "doublemuon", "doublemuon"),
        text.format("5 of 7", "muon", "doublemuon", "doublemuon"),
        text.format("5 of 7", "muon", "singlemuon", "singlemuon"),
    ]
    # in other runs than its own, the first one takes no event
    samples["doublemuon"] = DATA.model_copy(update={"runs": ((5, 5),)})
    assert list(lost_in_order(reports, samples, ["doublemuon", "singlemuon"])) == []
    assert list(lost_in_order(reports, samples, ["doublemuon", "muon"])) == [
        text.format("1 of 3", "muon", "doublemuon", "doublemuon")
    ]
    assert list(lost_in_order(reports, samples, [])) == list(lost_in_order(reports, samples, ["muon"])) == []


def test_files_without_events_are_told():
    files = [
        report("a.root"),
        report("b.root", n_events=0),
        report("c.root", n_events=0),
        report("d.root", n_events=0, skipped="not a ROOT file"),
        report("e.root", "muons", "data"),
    ]
    assert list(files_without_events(files)) == ["sample ttbar: 2 of 4 files hold no events: b.root, c.root"]
    many = [report(f"{number}.root", n_events=0) for number in range(9)]
    assert list(files_without_events(many)) == [
        "sample ttbar: 9 of 9 files hold no events: 0.root, 1.root, 2.root, 3.root, 4.root, ..."
    ]
