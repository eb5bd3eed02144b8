"""Campaigns of CMS in small: every file that a campaign names is there in its form, and its files can be skimmed."""

from pathlib import Path

import correctionlib
import pytest
from correctionlib import schemav2

from deepsf.config import load
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.luminosity_blocks import Blocks
from deepsf.generator.plan import GeneratedFile, plan
from deepsf.generator.schema import Schema, paths_of
from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks
from deepsf.skim.settings import Corrections, SkimSettings
from deepsf.skim.skim_file import skim_file
from scripts.make_small_campaign import identification, write

ROOT = Path(__file__).parents[2]
VERSIONS = {"2016preVFP": "v9", "2017": "v9", "2018": "v9", "2022": "v12", "2023BPix": "v12", "2024": "v15"}


class Small:
    """A small campaign with its files in a folder."""

    def __init__(self, era, folder):
        self.version, self.folder = VERSIONS[era], folder
        self.config = load(write(ROOT / "configs" / f"cms_{era}.yaml", self.version, folder))

    def place(self, path):
        return str(self.folder / path.removeprefix("$DEEPSF_CORRECTIONS/"))

    def placed(self, section):
        return section and section.with_files(self.place)

    def settings(self, name):
        config, sample = self.config, self.config.samples[name]
        return SkimSettings(
            sample_name=name, sample=sample, tagger=config.tagger, selection=self.placed(config.selection),
            regions=config.regions, pileup=self.placed(config.pileup), runs=sample.runs or config.campaign.runs,
            jet_corrections=self.placed(config.jet_corrections), jet_veto=self.placed(config.jet_veto),
            certified=self.place(config.campaign.certified),
        )  # fmt: skip

    def skim(self, name, n_events):
        """Skim a generated file of a sample."""
        config, sample = self.config, self.config.samples[name]
        certified = LuminosityBlocks.load(self.place(config.campaign.certified)).ranges
        schema = Schema(
            version=self.version, triggers=paths_of(config.selection.triggers), filters=config.selection.event_filters,
            weights=tuple(config.selection.weights.values()), jet_content=config.jet_veto is not None,
            blocks=Blocks.of_certified(certified, sample.runs or config.campaign.runs),
        )  # fmt: skip
        planned = GeneratedFile(name, sample.kind, "ttbar", 0, n_events)
        true_sf = ROOT / config.generator.true_sf.file
        write_file(planned, Composition(), config.generator, true_sf, self.folder / "a.root", schema)
        return skim_file(
            self.folder / "a.root", self.settings(name),
            entries_path=self.folder / "entries.parquet", jets_path=self.folder / "jets.parquet",
        )  # fmt: skip


@pytest.fixture
def small(tmp_path):
    return lambda era: Small(era, tmp_path)


@pytest.mark.parametrize("era", VERSIONS)
def test_every_correction_of_a_campaign_is_there_and_fits(small, era):
    campaign = small(era)
    for name in campaign.config.samples:
        loaded = Corrections.load(campaign.settings(name))
        assert (loaded.jet_veto is not None) == (campaign.config.jet_veto is not None)
    assert {sample.kind for sample in campaign.config.samples.values() if sample.generate} == {"data", "simulation"}
    points = sorted(campaign.config.tagger.working_points.values())
    assert campaign.config.binned.bins["b"].discriminant[2:5:2] == tuple(points[1:3])
    files = plan(campaign.config.campaign, campaign.config.samples, campaign.config.generator)
    assert {file.sample for file in files} == set(campaign.config.samples)


@pytest.mark.parametrize("era", ["2017", "2023BPix", "2024"])
def test_generated_simulation_of_an_era_is_skimmed_and_every_shift_moves_it(small, era):
    campaign = small(era)
    report = campaign.skim("ttbar_dilepton", 20_000)
    assert report.jets["selected"] > 2000
    assert report.missing_triggers == ()
    assert len(report.moved) > 30
    assert min(report.moved.values()) > 0, report.moved
    assert ("prefiring_up" in report.moved) == (era == "2017")
    steps = {step: sum(counts.values()) for step, counts in report.cut_flow.items()}
    if campaign.config.jet_veto is not None:
        # a jet in 0.16 of 2 pi times some 5 units of eta, three jets an event
        assert 0.003 < 1.0 - steps["jet_veto"] / steps["delta_r_ll"] < 0.05
    # the identification keeps most jets: nearly all events of ttbar have two
    assert steps["two_jets"] / steps["delta_r_ll"] > 0.6


@pytest.mark.parametrize("era", ["2017", "2022", "2024"])
def test_generated_data_of_an_era_lie_in_its_certified_runs(small, era):
    campaign = small(era)
    name = next(name for name, sample in campaign.config.samples.items() if sample.kind == "data")
    report = campaign.skim(name, 3000)
    steps = {step: sum(counts.values()) for step, counts in report.cut_flow.items()}
    assert steps["certified"] == steps["all"] > 1000
    assert steps["two_jets"] > 50
    assert report.kinematic_shifts == ("nominal",)


@pytest.mark.parametrize(("era", "needs"), [("2023BPix", {"JetPhi"}), ("2024", {"run"}), ("2017", set())])
def test_corrections_of_data_ask_for_what_those_of_the_era_do(small, era, needs):
    campaign = small(era)
    settings = campaign.config.jet_corrections
    (name,) = settings.jec.data or next(iter(settings.jec.samples.values()))
    compound = correctionlib.CorrectionSet.from_file(campaign.place(settings.file)).compound[name]
    assert {variable.name for variable in compound.inputs} == {"JetA", "JetEta", "JetPt", "Rho"} | needs


def test_the_identification_is_that_of_the_published_cuts(tmp_path):
    made = {name: identification(name, veto) for name, veto in (("Tight", False), ("TightLeptonVeto", True))}
    (tmp_path / "id.json").write_text(
        schemav2.CorrectionSet(schema_version=2, corrections=list(made.values())).model_dump_json(exclude_unset=True)
    )
    corrections = correctionlib.CorrectionSet.from_file(str(tmp_path / "id.json"))
    inputs = ("eta", "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity", "multiplicity")
    good = dict(zip(inputs, (1.0, 0.6, 0.2, 0.0, 0.2, 0.0, 5.0, 5.0, 10.0), strict=True))
    for change, expected in (
        ({}, (1, 1)),
        ({"muEF": 0.85}, (1, 0)),
        ({"neHEF": 0.99}, (0, 0)),
        ({"neEmEF": 0.9}, (0, 0)),
        ({"chHEF": 0.009}, (0, 0)),
        ({"chMultiplicity": 0.0}, (0, 0)),
        ({"multiplicity": 1.0}, (0, 0)),
        ({"eta": -2.65, "chHEF": 0.0}, (1, 1)),
        ({"eta": 2.65, "neHEF": 0.9}, (0, 0)),
        ({"eta": 2.9, "neHEF": 0.9, "muEF": 0.9}, (1, 1)),
        ({"eta": -2.9, "neHEF": 0.99}, (0, 0)),
        ({"eta": 3.5, "neEmEF": 0.39}, (1, 1)),
        ({"eta": -3.5, "neEmEF": 0.4}, (0, 0)),
        ({"eta": 3.5, "neMultiplicity": 1.0}, (0, 0)),
    ):
        values = [({**good, **change})[name] for name in inputs]
        assert tuple(corrections[name].evaluate(*values) for name in made) == expected, change


def test_the_same_campaign_has_the_same_bytes(tmp_path):
    for name in "ab":
        write(ROOT / "configs" / "cms_2022.yaml", "v12", tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) >= 6
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
