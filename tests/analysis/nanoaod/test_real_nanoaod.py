"""Real NanoAOD files of CMS, versions 5 to 13, simulation and data: the skim agrees with a plain loop over events.

The folder is named by the environment variable DEEPSF_REAL_NANOAOD: dimuon and DY files of coffea's tests, two files of
HiggsDNA's, one of UnROOT.jl's.
"""

import math
import os
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf import config
from deepsf.config.efficiency.efficiency import EfficiencySplit
from deepsf.config.efficiency.processes import EfficiencyProcesses
from deepsf.config.flavours import Tagger
from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS, Selection
from deepsf.efficiency.events.events import join
from deepsf.efficiency.events.from_skims import jet_events
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.nanoaod.root_file import NtupleError
from deepsf.skim import selection as kernel
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.oracles import awkward_selection, nanoevents

FOLDER = os.environ.get("DEEPSF_REAL_NANOAOD", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="DEEPSF_REAL_NANOAOD does not name the folder of real NanoAOD files")

SELECTION = Selection(
    triggers={
        "ee": ("HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL", "HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL_DZ"),
        "emu": (
            "HLT_Mu23_TrkIsoVVL_Ele12_CaloIdL_TrackIdL_IsoVL_DZ",
            "HLT_Mu8_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ",
            "HLT_Mu12_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ",
        ),
        "mumu": ("HLT_Mu17_TrkIsoVVL_Mu8_TrkIsoVVL_DZ_Mass3p8", "HLT_Mu17_TrkIsoVVL_Mu8_TrkIsoVVL_DZ"),
    },
    event_filters=(
        "Flag_goodVertices",
        "Flag_globalSuperTightHalo2016Filter",
        "Flag_HBHENoiseFilter",
        "Flag_HBHENoiseIsoFilter",
        "Flag_EcalDeadCellTriggerPrimitiveFilter",
        "Flag_BadPFMuonFilter",
    ),
    met_branches=("MET", "PuppiMET"),
)


TAGGER = Tagger(name="deepJet", branch="btagDeepFlavB", working_points={"L": 0.0532, "M": 0.304})
TOLERANT = TAGGER.model_copy(update={"max_invalid_fraction": 1.0})


class RealFile(NamedTuple):
    """A file and what is in it; ``two_leptons`` is (ee, emu, mumu) as found once with the loop below."""

    name: str
    kind: str
    n_events: int
    two_leptons: tuple[int, int, int]
    has_pu_id: bool = True
    sum_weights: str = "runs"
    weight_shifts: tuple[str, ...] = ()


SCALES = ("genscale_up", "genscale_down")
SHOWERS = ("psisr_up", "psfsr_up", "psisr_down", "psfsr_down")
FILES = [
    RealFile("coffea_nano_dimuon.root", "data", 40, (0, 0, 4)),
    RealFile("coffea_nano_dy.root", "simulation", 40, (0, 0, 4), weight_shifts=SCALES + SHOWERS),
    RealFile(
        "higgsdna_DYJetsToLL--UL17_v6-v2_109_Skim.root", "simulation", 100, (8, 1, 7), weight_shifts=SCALES + SHOWERS
    ),
    RealFile("higgsdna_EGamma_2022E_v13.root", "data", 100, (1, 0, 0), has_pu_id=False),
    RealFile(
        "unroot_NanoAODv5_sample.root", "simulation", 1000, (3, 6, 8), sum_weights="events", weight_shifts=SHOWERS
    ),
]


def sample_of(file):
    cross_section_pb = 1.0 if file.kind == "simulation" else None
    return Sample(kind=file.kind, files=("*.root",), cross_section_pb=cross_section_pb, sum_weights=file.sum_weights)


def near(one, other, distance):
    delta_phi = math.remainder(one["phi"] - other["phi"], 2 * math.pi)
    return math.hypot(one["eta"] - other["eta"], delta_phi) < distance


def objects(arrays, collection, names):
    columns = [ak.to_list(arrays[f"{collection}_{name}"]) for name in names]
    events = zip(*columns, strict=True)
    return [[dict(zip(names, values, strict=True)) for values in zip(*event, strict=True)] for event in events]


def loop(path, has_pu_id):
    """Select with plain Python, straight from the branches; return the counts of four steps by channel."""
    jet_names = ["pt", "eta", "phi", "jetId", *(["puId"] if has_pu_id else [])]
    electron_names = ["pt", "eta", "phi", "charge", "cutBased", "deltaEtaSC"]
    muon_names = ["pt", "eta", "phi", "charge", "tightId", "pfRelIso04_all"]
    paths = [path for paths in SELECTION.triggers.values() for path in paths]
    with uproot.open(path) as file:
        present = [name for name in paths if name in file["Events"]]
        branches = [f"Jet_{name}" for name in jet_names] + [f"Electron_{name}" for name in electron_names]
        branches += [f"Muon_{name}" for name in muon_names] + [*present, *SELECTION.event_filters]
        arrays = file["Events"].arrays(branches)
    counts = {step: [0, 0, 0] for step in ("two_leptons", "trigger", "two_jets", "exactly_two_jets")}
    collections = (("Electron", electron_names), ("Muon", muon_names), ("Jet", jet_names))
    for k, (electrons, muons, jets) in enumerate(zip(*(objects(arrays, *c) for c in collections), strict=True)):
        if not all(arrays[name][k] for name in SELECTION.event_filters):
            continue
        electrons = [e for e in electrons if e["pt"] > 15 and abs(e["eta"]) < 2.4 and e["cutBased"] == 4]
        electrons = [e for e in electrons if not 1.4442 < abs(e["eta"] + e["deltaEtaSC"]) < 1.566]
        muons = [
            m for m in muons if m["pt"] > 15 and abs(m["eta"]) < 2.4 and m["tightId"] and m["pfRelIso04_all"] < 0.15
        ]
        leptons = [*electrons, *muons]
        if len(leptons) != 2:
            continue
        channel = 2 - len(electrons)
        counts["two_leptons"][channel] += 1
        fired = any(arrays[name][k] for name in SELECTION.triggers[CHANNELS[channel]] if name in present)
        if leptons[0]["charge"] == leptons[1]["charge"] or max(lep["pt"] for lep in leptons) <= 25 or not fired:
            continue
        counts["trigger"][channel] += 1
        jets = [j for j in jets if j["pt"] > 20 and abs(j["eta"]) < 2.5 and j["jetId"] & 2]
        jets = [j for j in jets if j["pt"] >= 50 or not has_pu_id or j["puId"] & 4]
        jets = [j for j in jets if not any(near(j, lepton, 0.4) for lepton in leptons)]
        if len(jets) >= 2:  # no event of these files fails the cuts on mll and on the leptons' distance
            counts["two_jets"][channel] += 1
            counts["exactly_two_jets"][channel] += len(jets) == 2
    return counts


@pytest.fixture(scope="module", params=FILES, ids=[file.name.removesuffix(".root") for file in FILES])
def chunk(request):
    """Return a file, what was found in it, and its events: opening 1500 branches is what takes the time."""
    file = request.param
    ntuple = inspect(
        Path(FOLDER) / file.name,
        sample_of(file),
        tagger=TAGGER,
        selection=SELECTION,
    )
    (events,) = iterate(ntuple)
    return file, ntuple, events


def test_real_files_give_the_counts_of_a_plain_loop(chunk):
    file, ntuple, events = chunk
    assert ntuple.n_events == events.n_events == file.n_events
    assert ntuple.has_pu_id is file.has_pu_id
    dileptons = kernel.select(events, SELECTION)
    flow = {step: n_events.tolist() for step, n_events in dileptons.cut_flow.items()}
    flow["exactly_two_jets"] = np.bincount(dileptons.channel[dileptons.n_jets == 2], minlength=3).tolist()
    assert tuple(flow["two_leptons"]) == file.two_leptons
    expected = loop(Path(FOLDER) / file.name, file.has_pu_id)
    assert {step: flow[step] for step in expected} == expected


LOOSE = SELECTION.model_copy(
    update={
        "electron": SELECTION.electron.model_copy(update={"pt_min_gev": 5.0, "cut_based_min": 1}),
        "muon": SELECTION.muon.model_copy(update={"pt_min_gev": 3.0, "rel_iso_max": 1.0}),
        "jet": SELECTION.jet.model_copy(update={"pt_min_gev": 15.0}),
        "lead_lepton_pt_min_gev": 5.0,
        "mll_min_gev": 1.0,
    }
)
"""As much as these small files give."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning:coffea")  # about collections that are not read
@pytest.mark.parametrize("selection", [SELECTION, LOOSE], ids=["tight", "loose"])
@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(".root") for file in FILES])
def test_leptons_jets_pairs_and_entries_are_those_of_nanoevents(file, selection, regions, tmp_path):
    tables = tmp_path / "entries.parquet", tmp_path / "jets.parquet"
    settings = SkimSettings("real", sample_of(file), TOLERANT, selection, regions)
    report = skim_file(Path(FOLDER) / file.name, settings, entries_path=tables[0], jets_path=tables[1])
    entries, jets = (pq.read_table(table).to_pandas() for table in tables)
    found = {step: list(report.cut_flow[step].values()) for step in ("two_leptons", "delta_r_ll", "two_jets")}
    found["jets"] = np.bincount(jets.channel, minlength=3).tolist()
    found |= {f"entries_{r}": np.bincount(entries.channel[entries[f"in_{r}"]], minlength=3).tolist() for r in regions}
    expected = nanoevents.counts(Path(FOLDER) / file.name, selection, TAGGER)
    assert found == expected
    assert sum(found["two_leptons"]) > 0
    if file is FILES[-1] and selection is SELECTION:
        assert (sum(found["jets"]), sum(found["entries_hf"])) == (51, 7)


def test_the_kernel_gives_what_the_awkward_form_gives_on_real_files(chunk):
    *_, events = chunk
    expected = awkward_selection.select(events, SELECTION)
    selected = kernel.select(events, SELECTION)
    for name in set(expected._fields) - {"cut_flow"}:
        np.testing.assert_array_equal(getattr(selected, name), getattr(expected, name), err_msg=name)
    for step, n_events in expected.cut_flow.items():
        np.testing.assert_array_equal(selected.cut_flow[step], n_events, err_msg=step)


def test_real_jets_have_valid_scores_and_known_flavours(chunk):
    file, _, events = chunk
    accepted = (events.jets.columns["pt"] > 20) & (np.abs(events.jets.columns["eta"]) < 2.5)
    scores = events.jets.columns["discriminant"][accepted]
    assert len(scores) > 20
    assert ((scores >= 0) & (scores <= 1)).all()  # DeepJet of 2017 and later has no default value
    assert set(events.jets.columns["hadron_flavour"]) <= ({-1} if file.kind == "data" else {0, 4, 5})
    assert set(events.weight) == {1.0} if file.kind == "data" else (events.weight != 0).all()


def test_ttbar_events_enter_the_heavy_flavour_region(regions, tmp_path):
    # Of 1000 inclusive ttbar events in NanoAODv5, 5 have two leptons and exactly two jets; 4 of them are in the region.
    file, tables = FILES[-1], (tmp_path / "entries.parquet", tmp_path / "jets.parquet")
    settings = SkimSettings("ttbar", sample_of(file), TAGGER, SELECTION, regions)
    report = skim_file(Path(FOLDER) / file.name, settings, entries_path=tables[0], jets_path=tables[1])
    assert report.cut_flow["exactly_two_jets"] == {"ee": 1, "emu": 2, "mumu": 2}
    assert report.cut_flow["region_hf"] == {"ee": 1, "emu": 2, "mumu": 1}
    entries = pq.read_table(tables[0]).to_pandas()
    with uproot.open(Path(FOLDER) / file.name) as real:
        arrays = real["Events"].arrays(["event", "Jet_pt", "Jet_btagDeepFlavB", "genWeight"])
    events = arrays[entries.entry]
    assert entries.event.tolist() == ak.to_list(events.event)
    assert entries.weight.to_numpy() == pytest.approx(ak.to_numpy(events.genWeight))
    for row, event in zip(entries.itertuples(), events, strict=True):
        jets = list(zip(event.Jet_pt, event.Jet_btagDeepFlavB, strict=True))
        assert (np.float32(row.tag_pt_gev), np.float32(row.tag_discriminant)) in jets
        assert (np.float32(row.probe_pt_gev), np.float32(row.probe_discriminant)) in jets
        assert row.tag_discriminant > 0.304


@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(".root") for file in FILES])
def test_real_jets_are_corrected_and_shifted(file, regions, tmp_path):
    # The toy's corrections know nothing of these jets: their pT stays within what such corrections can do.
    path = Path(__file__).parents[3] / "configs" / "jet_corrections" / "toy.json"
    settings = config.load(path.parents[1] / "toy.yaml").jet_corrections.model_copy(update={"file": str(path)})
    tables = tmp_path / "entries.parquet", tmp_path / "jets.parquet"
    plain, shifted = (
        skim_file(
            Path(FOLDER) / file.name,
            SkimSettings("real", sample_of(file), TAGGER, SELECTION, regions, jet_corrections=section),
            entries_path=tables[0],
            jets_path=tables[1],
        )
        for section in (None, settings)
    )
    assert shifted.kinematic_shifts == (settings.shifts if file.kind == "simulation" else ("nominal",))
    assert plain.weight_shifts == shifted.weight_shifts
    assert set(plain.weight_shifts) == set(file.weight_shifts)
    assert shifted.cut_flow["two_leptons"] == plain.cut_flow["two_leptons"]
    jets = pq.read_table(tables[1]).to_pandas()
    if file.name == FILES[-1].name:
        assert len(jets[jets["shift"] == 0]) > 20
    by_shift = jets.set_index(["shift", "entry", "eta"]).pt_gev
    for number, name in enumerate(shifted.kinematic_shifts):
        both = by_shift.loc[number].to_frame("shifted").join(by_shift.loc[0], how="inner") if len(jets) else jets
        ratio = (both.shifted / both.pt_gev).to_numpy() if len(both) else np.ones(1)
        assert (np.abs(ratio - 1) < (0.5 if name.startswith("jer") else 0.05)).all()
        if name == "jesAbsolute_up" and len(both):
            np.testing.assert_allclose(ratio, 1.01, rtol=1e-5)


def test_real_simulation_becomes_events_of_jets_with_tag_bits(regions, tmp_path):
    samples = {file.name: sample_of(file) for file in FILES}
    for file in FILES:
        tables = {f"{kind}_path": tmp_path / f"{file.name}_{kind}.parquet" for kind in ("entries", "jets")}
        settings = SkimSettings(file.name, samples[file.name], TAGGER, SELECTION, regions)
        skim_file(Path(FOLDER) / file.name, settings, **tables)
    events = jet_events(
        sorted(tmp_path.glob("*_jets.parquet")),
        samples=samples,
        flavours=config.load(Path(__file__).parents[3] / "configs" / "toy.yaml").flavours,
        tagger=TAGGER,
        working_points=("L", "M"),
        luminosity_ifb=1.0,
        split=EfficiencySplit(),
        processes=EfficiencyProcesses(),
    )
    simulated = [file for file in FILES if file.kind == "simulation"]
    expected = [sum(loop(Path(FOLDER) / file.name, file.has_pu_id)["two_jets"]) for file in simulated]
    assert sum(expected) > 10
    assert len(events["train"]) + len(events["test"]) == sum(expected)
    both = join([events["train"], events["test"]]).check("real files")
    stored = {}
    for file in simulated:
        with uproot.open(Path(FOLDER) / file.name) as real:
            names = ["pt", "eta", "phi", "hadronFlavour", "btagDeepFlavB"]
            jets = real["Events"].arrays([f"Jet_{name}" for name in names])
        columns = [ak.to_numpy(ak.flatten(jets[f"Jet_{name}"])) for name in names]
        stored |= {(pt, eta, phi): rest for pt, eta, phi, *rest in zip(*columns, strict=True)}
    codes = {"b": 5, "c": 4, "udsg": 0}
    for pt, eta, phi, flavour, n in zip(both.pt_gev, both.eta, both.phi, both.flavour, both.tag_bin, strict=True):
        code, score = stored[pt, eta, phi]
        assert codes[both.flavours[flavour]] == code
        assert n == sum(score > threshold for threshold in TAGGER.working_points.values())


def test_simulation_without_its_sum_of_weights_is_refused():
    sample = sample_of(FILES[-1]).model_copy(update={"sum_weights": "runs"})
    with pytest.raises(NtupleError, match=r"unroot_NanoAODv5_sample\.root: branch Runs/genEventSumw is missing"):
        inspect(Path(FOLDER) / FILES[-1].name, sample, tagger=TAGGER, selection=SELECTION)


def test_the_file_without_luminosity_block_is_refused_by_name():
    path = Path(FOLDER) / "coffea_missing_luminosityBlock.root"
    sample = Sample(kind="simulation", files=("*.root",), cross_section_pb=1.0)
    with pytest.raises(NtupleError, match=r"missing_luminosityBlock\.root: .*\n  branch luminosityBlock is missing"):
        inspect(path, sample, tagger=TAGGER, selection=SELECTION)
