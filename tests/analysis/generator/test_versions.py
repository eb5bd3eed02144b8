"""Versions of NanoAOD: branches, names, types, and values of jets without a score."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.config import load
from deepsf.config.jet_id import JetId
from deepsf.config.selection import WeightBranches
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.luminosity_blocks import Blocks
from deepsf.generator.plan import GeneratedFile
from deepsf.generator.schema import Schema, paths_of
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tests.analysis.generator.generated_files import written
from tests.oracles import nanoevents

CONFIGS = Path(__file__).parents[3] / "configs"
ERAS = {"2018": "v9", "2022": "v12", "2024": "v15"}
CONTENT = {"chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"}
SMALL = {
    "Jet_hadronFlavour": np.uint8,
    "Jet_genJetIdx": np.int16,
    "Electron_cutBased": np.uint8,
    "PV_npvs": np.uint8,
    "PV_npvsGood": np.uint8,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the branches of a file of simulation by version."""
    folder = tmp_path_factory.mktemp("versions")

    def of(version):
        return written(folder / f"{version}.root", "s", "simulation", "ttbar", schema=Schema(version))[0]

    return {version: of(version) for version in ("v9", "v12", "v15")}


def kind(column):
    return (np.concatenate(column) if column.dtype == object else column).dtype


def test_branches_are_those_of_the_version(files):
    v9, v12, v15 = (set(files[version]) for version in ("v9", "v12", "v15"))
    content = {f"Jet_{name}" for name in CONTENT}
    scores = {f"Jet_{t}{s}" for t in ("btagPNet", "btagRobustParTAK4") for s in ("B", "CvL", "CvB")}
    rho = {"Rho_fixedGridRhoFastjetAll"}
    assert v12 - v9 == {*scores, *content, *rho, "Jet_btagDeepFlavCvB"}
    assert v9 - v12 == {"Jet_puId", "Jet_btagDeepB", "fixedGridRhoFastjetAll"}
    new = {f"Jet_btagUParTAK4{s}" for s in ("B", "CvL", "CvB")}
    new |= {"Jet_puIdDisc", "Jet_chMultiplicity", "Jet_neMultiplicity", "Electron_superclusterEta"}
    assert v15 - v12 == {*new, "PFMET_pt", "PFMET_phi"}
    gone = {f"Jet_btagRobustParTAK4{s}" for s in ("B", "CvL", "CvB")}
    assert v12 - v15 == {*gone, "Jet_jetId", "MET_pt", "MET_phi"}


def test_integers_are_small_from_v12_on(files):
    for version in ("v12", "v15"):
        assert {name: kind(files[version][name]) for name in SMALL} == SMALL
    assert {kind(files["v9"][name]) for name in SMALL} == {np.dtype(np.int32)}
    assert kind(files["v12"]["Jet_jetId"]) == kind(files["v15"]["Jet_chMultiplicity"]) == np.uint8
    assert (np.concatenate(files["v12"]["Jet_genJetIdx"]) == -1).any()


@pytest.mark.parametrize(
    ("version", "branch", "value"),
    [("v12", "btagPNetB", -1.0), ("v12", "btagRobustParTAK4B", -3.0), ("v15", "btagUParTAK4B", -1.0)],
)
def test_jets_without_a_score_have_the_tagger_s_value(files, version, branch, value):
    score, eta, pt = (np.concatenate(files[version][f"Jet_{name}"]) for name in (branch, "eta", "pt"))
    assert set(score[score < 0]) == {value}
    central = (np.abs(eta) < 2.5) & (pt > 20)
    assert 0.0 < (score[central] < 0).mean() < 0.01
    assert (score[np.abs(eta) >= 2.5] == value).all()


def test_v12_stores_the_identification_wrongly_in_the_forward_region(files):
    jets = {name: np.concatenate(files["v12"][f"Jet_{name}"]) for name in ("eta", "jetId", "neHEF", "neEmEF")}
    endcap = (np.abs(jets["eta"]) > 2.7) & (np.abs(jets["eta"]) <= 3.0)
    assert (jets["jetId"][np.abs(jets["eta"]) > 2.7] == 6).all()
    assert (jets["neHEF"][endcap] >= 0.99).any()
    central = np.abs(jets["eta"]) < 2.6
    np.testing.assert_array_equal((jets["jetId"] == 0)[central], (jets["neHEF"] >= 0.99)[central])


def test_the_same_events_lie_under_every_version(files):
    for name in ("Jet_pt", "Jet_btagDeepFlavB", "Muon_pt", "PuppiMET_pt", "genWeight"):
        for version in ("v12", "v15"):
            np.testing.assert_array_equal(kind(files["v9"][name]), kind(files[version][name]))
            assert all(np.array_equal(a, b) for a, b in zip(files["v9"][name], files[version][name], strict=True))


def test_what_the_configuration_names_is_there_and_changes_nothing_else(tmp_path, files):
    path, flag = "HLT_Mu12_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ", "Flag_hfNoisyHitsFilter"
    prefiring = tuple(f"L1PreFiringWeight_{shift}" for shift in ("Nom", "Up", "Dn"))
    weight = WeightBranches(**dict(zip(("nominal", "up", "down"), prefiring, strict=True)))
    schema = Schema("v9", (path,), (flag, "Flag_goodVertices"), (weight,), jet_content=True)
    events = written(tmp_path / "a.root", "s", "simulation", "ttbar", schema=schema)[0]
    assert set(events) - set(files["v9"]) == {path, flag, *prefiring, *(f"Jet_{name}" for name in CONTENT)}
    for name, column in files["v9"].items():
        assert all(np.array_equal(a, b) for a, b in zip(column, events[name], strict=True)), name
    assert 0.2 < events[path].mean() < 0.5
    assert events[flag].mean() > 0.99
    nominal, up, down = (events[name] for name in prefiring)
    assert 0.01 < (nominal < 1.0).mean() < 0.9
    assert ((down < nominal) == (nominal < 1.0)).all()
    assert ((up > nominal) == (nominal < 1.0)).all()
    data = written(tmp_path / "b.root", "s", "data", "ttbar", schema=schema)[0]
    assert not set(prefiring) & set(data)


def test_pseudo_data_lie_in_the_blocks_of_the_schema_and_their_trees_name_them(tmp_path):
    blocks = Blocks.of_certified({"355862": [[1, 5]], "357000": [[7, 9]]}, [])
    path = tmp_path / "a.root"
    events, runs = written(path, "s", "data", "ttbar", schema=Schema("v12", blocks=blocks))
    pairs = set(zip(events["run"].tolist(), events["luminosityBlock"].tolist(), strict=True))
    assert pairs == {(355862, block) for block in range(1, 6)} | {(357000, block) for block in (7, 8, 9)}
    assert runs["run"].tolist() == [355862, 357000]


@pytest.mark.filterwarnings("ignore::RuntimeWarning:coffea")  # about collections that are not read
@pytest.mark.parametrize("process", ["ttbar", "zjets"])
@pytest.mark.parametrize("era", ERAS)
def test_leptons_jets_pairs_and_entries_are_those_of_nanoevents(era, process, tmp_path):
    config, toy = load(CONFIGS / f"cms_{era}.yaml"), load(CONFIGS / "toy.yaml")
    identification = config.selection.jet.id
    if identification is not None and identification.file is not None:
        identification = JetId(cuts="run3")  # what the file of corrections holds, which is none of the repository
    jet = config.selection.jet.model_copy(update={"id": identification})
    selection = config.selection.model_copy(update={"jet": jet, "weights": {}})
    schema = Schema(
        version=ERAS[era], triggers=paths_of(selection.triggers), filters=selection.event_filters,
        jet_content=identification is not None,
    )  # fmt: skip
    planned = GeneratedFile(process, "simulation", process, 0, 4000)
    write_file(planned, Composition(), toy.generator, None, tmp_path / "nano.root", schema)
    settings = SkimSettings("mc", toy.samples["ttbar"], config.tagger, selection, toy.regions)
    tables = tmp_path / "entries.parquet", tmp_path / "jets.parquet"
    report = skim_file(tmp_path / "nano.root", settings, entries_path=tables[0], jets_path=tables[1])
    entries, jets = (pq.read_table(table).to_pandas() for table in tables)
    found = {step: list(report.cut_flow[step].values()) for step in ("two_leptons", "delta_r_ll", "two_jets")}
    found["jets"] = np.bincount(jets.channel, minlength=3).tolist()
    for region in toy.regions:
        found[f"entries_{region}"] = np.bincount(entries.channel[entries[f"in_{region}"]], minlength=3).tolist()
    assert found == nanoevents.counts(tmp_path / "nano.root", selection, config.tagger)
    assert sum(found["jets"]) > 200
    assert sum(found["entries_hf" if process == "ttbar" else "entries_lf"]) > 20
