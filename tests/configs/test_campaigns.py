"""Configurations of CMS campaigns: their values, what fits what, and that doubts about a value name their sources."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepsf.config import Config, load
from deepsf.config.selection import TriggerOfRuns

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
FILES = sorted([*CONFIGS.glob("cms_*.yaml"), CONFIGS / "opendata_2016.yaml"])
NAMES = [path.stem for path in FILES]
PAGE = (ROOT / "docs" / "campaigns.md").read_text()
SOURCES = re.findall(r"^\| ([\w.-]+) \| `[\w.-]+/[\w.-]+@\w{8}` \|$", PAGE, re.M)


@pytest.fixture(scope="module", params=NAMES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def campaign(name) -> Config:
    config = load(CONFIGS / f"{name}.yaml")
    assert isinstance(config, Config)
    return config


def tree_of(path: Path) -> dict[str, Any]:
    """Return a file and what it extends, merged, before any check."""
    own = yaml.safe_load(path.read_text())
    base = own.pop("extends", None)
    return own if base is None else merged(tree_of(path.parent / base), own)


def merged(base: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    both = {key: merged(base[key], value) for key, value in update.items() if isinstance(base.get(key), dict) and value}
    return {key: value for key, value in {**base, **update, **both}.items() if value is not None}


def data_set(file: str) -> tuple[str, str, str]:
    """Return the three parts of the name of a data set; a folder of Open Data has them in another order."""
    portal = "root://eospublic.cern.ch//eos/opendata/cms/"
    if not file.startswith(portal):
        primary, processed, tier = file.split("/")[1:4]
        return primary, processed, tier
    era, primary, tier, processing = file.removeprefix(portal).removeprefix("mc/").rstrip("/").split("/")
    return primary, f"{era}-{processing}", tier


# --- values, typed by hand

LUMINOSITY_IFB = {
    "cms_2016preVFP": 19.648,
    "cms_2016postVFP": 16.978,
    "cms_2017": 41.480,
    "cms_2018": 59.832,
    "cms_2022": 7.980,
    "cms_2022EE": 26.672,
    "cms_2023": 18.063,
    "cms_2023BPix": 9.693,
    "cms_2024": 109.948,
    "opendata_2016": 16.393,
}
WORKING_POINTS = {
    "cms_2016preVFP": ("btagDeepFlavB", [0.0508, 0.2598, 0.6502]),
    "cms_2016postVFP": ("btagDeepFlavB", [0.0480, 0.2489, 0.6377]),
    "cms_2017": ("btagDeepFlavB", [0.0532, 0.3040, 0.7476]),
    "cms_2018": ("btagDeepFlavB", [0.0490, 0.2783, 0.7100]),
    "cms_2022": ("btagPNetB", [0.0470, 0.2450, 0.6734, 0.7862, 0.9610]),
    "cms_2022EE": ("btagPNetB", [0.0499, 0.2605, 0.6915, 0.8033, 0.9664]),
    "cms_2023": ("btagPNetB", [0.0358, 0.1917, 0.6172, 0.7515, 0.9659]),
    "cms_2023BPix": ("btagPNetB", [0.0359, 0.1919, 0.6133, 0.7544, 0.9688]),
    "cms_2024": ("btagUParTAK4B", [0.0246, 0.1272, 0.4648, 0.6298, 0.9739]),
    "opendata_2016": ("btagDeepFlavB", [0.0480, 0.2489, 0.6377]),
}
CROSS_SECTIONS_PB = {
    13.0: {"ttbar_dilepton": 88.569, "ttbar_semilepton": 366.398, "dy_m50": 6077.22, "tw_top": 21.6326, "ww": 118.7},
    13.6: {"ttbar_dilepton": 98.0963, "ttbar_semilepton": 405.80987, "tw_top_dilepton": 4.66797, "zz": 26.22467},
}
CERTIFIED = {
    "2016": "Cert_271036-284044_13TeV_Legacy2016_Collisions16_JSON.txt",
    "2017": "Cert_294927-306462_13TeV_UL2017_Collisions17_GoldenJSON.txt",
    "2018": "Cert_314472-325175_13TeV_Legacy2018_Collisions18_JSON.txt",
    "2022": "Cert_Collisions2022_355100_362760_Golden.json",
    "2023": "Cert_Collisions2023_366442_370790_Golden.json",
    "2024": "Cert_Collisions2024_378981_386951_Golden.json",
}


def test_every_campaign_is_compared():
    assert LUMINOSITY_IFB.keys() == WORKING_POINTS.keys() == set(NAMES)


def test_luminosity_and_certified_blocks_are_those_of_the_era(name, campaign):
    assert campaign.campaign.luminosity_ifb == pytest.approx(LUMINOSITY_IFB[name], abs=5.1e-4)
    assert campaign.campaign.certified == f"$DEEPSF_CORRECTIONS/DC/{CERTIFIED[campaign.campaign.era[:4]]}"


def test_working_points_are_those_of_the_era_and_nested(name, campaign):
    branch, values = WORKING_POINTS[name]
    assert campaign.tagger.branch == branch
    assert list(campaign.tagger.working_points) == ["L", "M", "T", "XT", "XXT"][: len(values)]
    assert list(campaign.tagger.working_points.values()) == values == sorted(values)


def test_cross_sections_are_those_of_the_energy(campaign):
    for sample, value in CROSS_SECTIONS_PB[campaign.campaign.energy_tev].items():
        assert campaign.samples[sample].cross_section_pb == value


def test_drell_yan_of_2024_is_simulated_by_lepton():
    samples = load(CONFIGS / "cms_2024.yaml").samples
    values = {name: sample.cross_section_pb for name, sample in samples.items() if name.startswith("dy_m50")}
    assert values == {"dy_m50_ee": 2095.19978, "dy_m50_mumu": 2095.84836, "dy_m50_tautau": 2093.01443}
    assert sum(values.values()) == pytest.approx(6282.6, rel=5e-4)  # the inclusive value of 2022


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cms_2016preVFP", {"jet_id_bit": 2, "pu_id_bit": 1}),
        ("opendata_2016", {"jet_id_bit": 2, "pu_id_bit": 1}),
        ("cms_2018", {"jet_id_bit": 2, "pu_id_bit": 4}),
        ("cms_2023", {"pu_id_bit": None, "id": {"cuts": "v12"}}),
        ("cms_2024", {"pu_id_bit": None, "id": {"name": "AK4PUPPI_Tight"}}),
    ],
)
def test_jets_are_identified_as_their_nanoaod_allows(name, settings):
    jet = load(CONFIGS / f"{name}.yaml").selection.jet.model_dump()
    identification = settings.pop("id", {})
    assert {key: jet[key] for key in settings} == settings
    assert identification.items() <= (jet["id"] or {}).items()


def test_prefiring_weights_are_those_of_2016_and_2017(name, campaign):
    assert ("prefiring" in campaign.selection.weights) == (campaign.campaign.era[:4] in ("2016", "2017"))


# --- data


def test_run_ranges_of_eras_do_not_overlap():
    eras = {name: load(CONFIGS / f"{name}.yaml").campaign.runs for name in NAMES if name.startswith("cms_")}
    for (one, runs), (other, others) in combinations(eras.items(), 2):
        for first, last in runs:
            for low, high in others:
                assert last < low or high < first, f"{one} {first}-{last} and {other} {low}-{high}"


def test_runs_of_2016_f_are_in_the_era_of_their_data_set():
    def has(name, run):
        return any(first <= run <= last for first, last in load(CONFIGS / f"{name}.yaml").campaign.runs)

    with_hipm, without = (278761, 278770, 278806, 278807), (278769, 278801, 278805, 278808)
    assert [has("cms_2016preVFP", run) for run in (*with_hipm, *without)] == [True] * 4 + [False] * 4
    assert [has("cms_2016postVFP", run) for run in (*with_hipm, *without)] == [False] * 4 + [True] * 4


def test_runs_of_periods_make_up_the_era_in_every_channel(campaign):
    by_channel: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for sample in campaign.samples.values():
        if sample.kind == "data" and sample.runs:
            by_channel.setdefault(sample.channels, []).extend(sample.runs)
    assert len(by_channel) == (3 if campaign.jet_corrections.jec.samples else 0)
    for runs in map(sorted, by_channel.values()):
        assert all(last < first for (_, last), (first, _) in pairwise(runs))
        assert (runs[0][0], runs[-1][1]) == (campaign.campaign.runs[0][0], campaign.campaign.runs[-1][1])
        assert all(any(a <= low and high <= b for a, b in campaign.campaign.runs) for low, high in runs)


@pytest.mark.parametrize(
    ("name", "sample", "run"),
    [
        ("cms_2016preVFP", "muoneg_2016ef", 278806),
        ("cms_2017", "doubleeg_2017d", 302663),
        ("cms_2018", "egamma_2018c", 320065),
        ("cms_2022EE", "muon_2022g", 362437),
        ("cms_2023", "muoneg_2023cv4", 368823),
    ],
)
def test_a_run_is_in_the_period_of_its_data_set(name, sample, run):
    samples = load(CONFIGS / f"{name}.yaml").samples
    same_channel = [n for n, s in samples.items() if s.channels == samples[sample].channels and s.kind == "data"]
    assert [n for n in same_channel if any(low <= run <= high for low, high in samples[n].runs)] == [sample]


def test_each_data_set_fills_one_channel_and_all_channels_have_one(campaign):
    data = [sample for sample in campaign.samples.values() if sample.kind == "data"]
    assert {sample.channels for sample in data} == {("ee",), ("emu",), ("mumu",)}
    primary = {sample.channels: {data_set(file)[0] for file in sample.files} for sample in data}
    assert all(not one & other for one, other in combinations(primary.values(), 2))


def test_files_are_named_as_their_data_set_and_none_twice(name, campaign):
    files = [file for sample in campaign.samples.values() for file in sample.files]
    for sample in campaign.samples.values():
        tier = "NANOAOD" if sample.kind == "data" else "NANOAODSIM"
        form = rf"\$DEEPSF_NANOAOD/[\w-]+/[\w-]+/{tier}/\*\*/\*\.root"
        if name == "opendata_2016":
            period = r"Run2016[GH]" if sample.kind == "data" else "mc/RunIISummer20UL16NanoAODv9"
            form = rf"root://eospublic\.cern\.ch//eos/opendata/cms/{period}/[\w-]+/{tier}/[\w-]+/"
        assert all(re.fullmatch(form, file) for file in sample.files), sample.files
    assert len(files) == len(set(files))


def test_open_data_are_those_of_the_era_but_for_the_first_period():
    def data_sets(name):
        samples = load(CONFIGS / f"{name}.yaml").samples.values()
        return {data_set(file) for sample in samples for file in sample.files}

    assert data_sets("opendata_2016") < data_sets("cms_2016postVFP")
    left_out = data_sets("cms_2016postVFP") - data_sets("opendata_2016")
    assert {processed.partition("-")[0] for _, processed, _ in left_out} == {"Run2016F"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("cms_")])
def test_data_sets_are_those_of_the_era(name):
    year = name[4:8]
    era = {"preVFP": "UL16NanoAODAPVv9", "postVFP": "UL16NanoAODv9", "EE": "Summer22EE", "BPix": "Summer23BPix"}
    simulated = era.get(name[8:], {"2017": "UL17", "2018": "UL18"}.get(year, f"Summer{year[2:]}Nano"))
    for sample in load(CONFIGS / f"{name}.yaml").samples.values():
        for file in sample.files:
            assert (f"/Run{year}" if sample.kind == "data" else simulated) in file


# --- paths and filters


def test_paths_and_filters_are_well_formed(campaign):
    paths = [path for channel in campaign.selection.triggers.values() for path in channel]
    names = [path.path if isinstance(path, TriggerOfRuns) else path for path in paths]
    assert all(re.fullmatch(r"HLT_(Mu|Ele)\d+\w+", name) for name in names)
    assert all(re.fullmatch(r"Flag_[a-zA-Z0-9]+", flag) for flag in campaign.selection.event_filters)
    assert len(set(campaign.selection.event_filters)) == len(campaign.selection.event_filters)


def test_every_run_has_a_path_in_every_channel(campaign):
    edges = [run for ranges in campaign.campaign.runs for run in ranges]
    for channel, paths in campaign.selection.triggers.items():
        ranges = sorted(path.runs for path in paths if isinstance(path, TriggerOfRuns))
        if len(ranges) < len(paths):
            continue  # a path that counts in all runs
        assert ranges[0][0] <= min(edges), channel
        assert max(last for _, last in ranges) >= max(edges), channel
        covered = ranges[0][1]
        for first, last in ranges:
            assert first <= covered + 1, channel
            covered = max(covered, last)


def test_paths_with_runs_belong_to_the_era(campaign):
    low = min(first for first, _ in campaign.campaign.runs)
    high = max(last for _, last in campaign.campaign.runs)
    for paths in campaign.selection.triggers.values():
        for path in paths:
            if isinstance(path, TriggerOfRuns):
                assert path.runs[0] <= high
                assert path.runs[1] >= low


# --- corrections


def test_files_of_corrections_are_those_of_the_era(name, campaign):
    era = "2016postVFP_UL" if name == "opendata_2016" else campaign.campaign.era
    sections = [campaign.jet_corrections, campaign.pileup, campaign.jet_veto, campaign.selection.jet.id]
    files = [section.file for section in sections if section is not None and section.file is not None]
    assert all(re.fullmatch(rf"\$DEEPSF_CORRECTIONS/(JME|LUM)/{era}/\w+\.json\.gz", file) for file in files)
    assert campaign.jet_corrections.jer.smearing.file == "$DEEPSF_CORRECTIONS/JME/jer_smear.json.gz"


def test_every_data_sample_has_jet_corrections(campaign):
    data = {name for name, sample in campaign.samples.items() if sample.kind == "data"}
    levels = campaign.jet_corrections.jec
    assert levels.data is not None or set(levels.samples) == data
    assert all(re.fullmatch(r"\w+_DATA_L1L2L3Res_AK4PF(chs|Puppi)", *names) for names in levels.samples.values())


def test_samples_of_a_run_period_have_its_jet_corrections():
    def levels(name):
        return load(CONFIGS / f"{name}.yaml").jet_corrections.jec.samples

    assert levels("cms_2017")["muoneg_2017e"] == ("Summer19UL17_RunE_V5_DATA_L1L2L3Res_AK4PFchs",)
    assert levels("cms_2018")["egamma_2018a"] == ("Summer19UL18_RunA_V5_DATA_L1L2L3Res_AK4PFchs",)
    assert levels("cms_2016preVFP")["doubleeg_2016ef"] == ("Summer19UL16APV_RunEF_V7_DATA_L1L2L3Res_AK4PFchs",)
    assert levels("cms_2023")["muon_2023cv4"] == ("Summer23Prompt23_RunCv4_V1_DATA_L1L2L3Res_AK4PFPuppi",)


def test_sources_belong_to_the_simulation_that_is_corrected(campaign):
    section = campaign.jet_corrections
    tag = section.jec.simulation[0].removesuffix("AK4PFchs").removesuffix("AK4PFPuppi").removesuffix("L1L2L3Res_")
    for source, correction in section.jes_sources.items():
        assert re.fullmatch(rf"{tag}(Regrouped_)?{source}_AK4PF(chs|Puppi)", correction)


def test_sources_are_the_groups_or_all_of_the_public_scale_factors(campaign):
    sources = set(campaign.jet_corrections.jes_sources)
    year = {"2016preVFP_UL": "2016", "2016postVFP_UL": "2016", "2016_opendata": "2016"}.get(
        campaign.campaign.era, campaign.campaign.era[:4]
    )
    groups = {"Absolute", "BBEC1", "EC2", "HF"}
    if campaign.campaign.era[:4] in ("2022", "2023"):
        assert len(sources) == 28
        assert not sources & groups
    else:
        alone = {"FlavorQCD", "RelativeBal", f"RelativeSample_{year}", "Total"}
        assert sources == groups | {f"{group}_{year}" for group in groups} | alone


# --- doubts


def marks(path: Path) -> list[tuple[str, str]]:
    """Return the kinds and texts of the marks in a file; a text goes on to the end of its comment or the next mark."""
    text = re.sub(r"^ *# ", "# ", path.read_text(), flags=re.M)
    return re.findall(r"# (conflict|unverified): (.*(?:\n# (?!(?:conflict|unverified):|[a-z_]+:$|  ).*)*)", text, re.M)


ALL = sorted(CONFIGS.rglob("*.yaml"))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_doubt_about_a_value_names_its_sources(path):
    for kind, text in marks(path):
        named = [source for source in SOURCES if source in text]
        assert len(named) >= (2 if kind == "conflict" else 1), f"{kind}: {text}"


def test_there_are_doubts_and_sources():
    assert len(SOURCES) >= 10
    assert sum(len(marks(path)) for path in ALL) > 40
    assert all(marks(path) for path in FILES)


# --- what a user changes


def alternatives(path: Path) -> list[str]:
    """Return sections that a file has as comments, behind "Instead"."""
    blocks = re.findall(r"^# Instead.*\n((?:#.*\n)+)", path.read_text() + "\n", re.M)
    lines = [[line[2:] for line in block.splitlines()] for block in blocks]
    starts = [next(i for i, line in enumerate(block) if re.fullmatch(r"[a-z_]+:", line)) for block in lines]
    return ["\n".join(block[start:]) for block, start in zip(lines, starts, strict=True)]


CHOICES = [(path, text) for path in FILES for text in alternatives(path)]


@pytest.mark.parametrize(("path", "text"), CHOICES, ids=lambda value: getattr(value, "stem", ""))
def test_sections_in_comments_can_take_the_place_of_those_in_use(tmp_path, path, text):
    sections = yaml.safe_load(text)
    taken = {
        key: merged(tree_of(path).get(key, {}), value) if key == "plots" else value for key, value in sections.items()
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**tree_of(path), **taken}, sort_keys=False))
    assert load(tmp_path / "mine.yaml") != load(path)


def test_there_are_other_taggers_and_newer_jet_corrections():
    texts = [text for _, text in CHOICES]
    assert sum("name: robustParticleTransformer" in text for text in texts) == 4
    assert sum("scale_factor_uncertainty" in text for text in texts) == 4


@pytest.mark.parametrize(("path", "text"), CHOICES, ids=lambda value: getattr(value, "stem", ""))
def test_working_points_in_comments_are_nested(path, text):
    points = list(yaml.safe_load(text).get("tagger", {}).get("working_points", {}).values())
    assert all(low < high for low, high in pairwise(points))


def test_two_eras_can_be_one_campaign(tmp_path):
    """As docs/campaigns.md says: samples have an era, and what differs from the campaign's own sections."""
    first, second = (tree_of(CONFIGS / f"{name}.yaml") for name in ("cms_2022", "cms_2022EE"))
    luminosity = {tree["campaign"]["era"]: tree["campaign"]["luminosity_ifb"] for tree in (first, second)}
    samples = {}
    for tree in (first, second):
        era = tree["campaign"]["era"]
        for name, sample in tree["samples"].items():
            own = {"era": era} | ({"luminosity_ifb": luminosity[era]} if sample["kind"] == "simulation" else {})
            if tree is second:
                corrections = tree["jet_corrections"]
                levels = corrections["jec"]["samples"].get(name)
                jec = {"simulation": corrections["jec"]["simulation"], "data": levels}
                own |= {
                    "pileup": tree["pileup"],
                    "jet_veto": tree["jet_veto"],
                    "jet_corrections": {**corrections, "jec": {k: v for k, v in jec.items() if v}},
                }
                own |= {"runs": tree["campaign"]["runs"]} if sample["kind"] == "data" else {}
            samples[f"{name}_{era}"] = sample | own
    campaign = first["campaign"] | {"era": "2022", "luminosity_ifb": sum(luminosity.values())}
    path = tmp_path / "both.yaml"
    path.write_text(yaml.safe_dump({**first, "campaign": campaign, "samples": samples}, sort_keys=False))
    config = load(path)
    assert {sample.era for sample in config.samples.values()} == {"2022_Summer22", "2022_Summer22EE"}
    assert config.campaign.luminosity_ifb == pytest.approx(34.652064)


# --- the page


def test_the_page_lists_the_campaigns_as_they_are():
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| ([\d.]+) \| (v\d+) \| (\w+) \|.*\|$", PAGE.split("## What to set")[0], re.M
    )
    branches = {"DeepJet": "btagDeepFlavB", "ParticleNet": "btagPNetB", "UParT": "btagUParTAK4B"}
    assert sorted(row[0] for row in rows) == NAMES
    for name, luminosity, version, tagger in rows:
        config = load(CONFIGS / f"{name}.yaml")
        assert config.campaign.luminosity_ifb == pytest.approx(float(luminosity), abs=0.006)
        assert config.tagger.branch == branches[tagger]
        assert f"NanoAOD{version}" in (CONFIGS / f"{name}.yaml").read_text().splitlines()[0]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("cms_")])
def test_the_page_names_the_folder_of_certified_blocks(name):
    era = load(CONFIGS / f"{name}.yaml").campaign.era
    row = next(line for line in PAGE.splitlines() if line.startswith("| `") and f"`{era}`" in line.split("|")[1])
    assert f"Collisions{era[2:4]}" in row.split("|")[3]
