"""Bad input, as a user meets it: what tasks and the command line say, and that nothing is left that counts."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import awkward as ak
import luigi
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot
import yaml

from deepsf.config import ConfigError
from deepsf.generator.composition import Composition
from deepsf.generator.plan import NotEnoughDiskError
from deepsf.nanoaod.root_file import NtupleError
from deepsf.skim.cut_flow import SkimError
from tasks import generation, skim
from tasks.binned import MeasureBinnedSF
from tasks.framework import settings
from tasks.framework.targets import ProvenanceTarget, leaves
from tasks.generation import GenerateNtuples, TuneGenerator
from tasks.skim import SkimNtuples

ROOT = Path(__file__).parents[1]


class Campaign:
    """A campaign on files that the test writes."""

    def __init__(self, folder, selection):
        self.folder, self.path = folder, folder / "mine.yaml"
        self.tree = yaml.safe_load((ROOT / "configs" / "toy.yaml").read_text())
        del self.tree["jet_corrections"], self.tree["pileup"]  # the files of these tests are as small as can be
        del self.tree["generator"]
        self.tree["campaign"]["certified"] = None
        self.tree["selection"] = selection.model_dump(mode="json", include={"triggers", "event_filters"})
        self.tree["samples"] = {
            "mc": {"kind": "simulation", "files": [str(folder / "mc*.root")], "cross_section_pb": 1.0},
            "data": {"kind": "data", "files": [str(folder / "data*.root")]},
        }

    def write(self):
        self.path.write_text(yaml.safe_dump(self.tree, sort_keys=False))
        settings.config.cache_clear()
        luigi.task_register.Register.clear_instance_cache()
        ProvenanceTarget.forget()
        return self

    def task(self, cls, **params):
        return cls(version="v1", config=str(self.path), **params)

    def skim(self):
        """Skim all files; returns the tables of entries."""
        self.write()
        workflow = self.task(SkimNtuples)
        tasks = [workflow.as_branch(number) for number in workflow.branch_map]
        for task in tasks:
            task.run()
        return [task.output()["entries"].file for task in tasks]

    def law(self, task, *options):
        """Run a task from the command line."""
        source = f'source "{ROOT}/setup.sh" && exec law run "$@"'
        command = ["bash", "-c", source, "law", task, "--version", "v1", "--config", str(self.path), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def left(self):
        """Return all outputs, parts and manifests."""
        kept = ("mine.yaml", ".config.json")
        inputs = set(self.folder.glob("*.root"))
        return [p for p in self.folder.rglob("*") if p.is_file() and p not in inputs and p.name not in kept]


@pytest.fixture
def campaign(tmp_path, monkeypatch, selection):
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path / "out"))
    monkeypatch.delenv(settings.SNAPSHOT_VARIABLE, raising=False)
    yield Campaign(tmp_path, selection)
    settings.config.cache_clear()
    ProvenanceTarget.forget()


@pytest.fixture
def files(make_nanoaod):
    """A good file of each sample."""
    return {"mc": make_nanoaod(3000, name="mc.root", basket=3000), "data": make_nanoaod(name="data.root", data=True)}


def digests_removed(paths):
    return [path for path in paths if ".digests" not in path.parts]


# --- the configuration


def test_all_problems_of_a_configuration_reach_the_user_at_once(campaign, files):
    campaign.tree["training"] = {"learning_rat": 0.1}
    campaign.tree["binned"]["bins"]["b"]["pt_gev"] = [20, 50, 30]
    campaign.write()
    with pytest.raises(ConfigError) as error:
        campaign.task(SkimNtuples)
    assert re.sub(r"line \d+: ", "", str(error.value)) == (
        "mine.yaml: 2 problem(s)\n"
        "  binned.bins.b.pt_gev: bin edges must increase, but 30 follows 50 (got [20, 50, 30])\n"
        "  training.learning_rat: unknown key; did you mean 'learning_rate'? (got 0.1)"
    )
    done = campaign.law("SkimNtuples")
    assert done.returncode != 0
    assert done.stderr.count(str(error.value)) == 1  # and not once for every task
    assert campaign.left() == []


def test_a_pattern_that_matches_nothing_is_named_with_sample_and_place(campaign, files, monkeypatch):
    monkeypatch.setenv("NTUPLES", str(campaign.folder))
    campaign.tree["samples"]["data"]["files"] = [str(campaign.folder / "data*.root"), "$NTUPLES/Run2017*/*.root"]
    campaign.write()
    message = (
        f"samples.data.files: '$NTUPLES/Run2017*/*.root' matches no file (looked for {campaign.folder}/Run2017*/*.root)"
    )
    with pytest.raises(ConfigError) as error:
        campaign.task(SkimNtuples).branch_map  # noqa: B018
    assert str(error.value) == message
    done = campaign.law("SkimNtuples")
    assert done.returncode != 0
    assert message in done.stderr
    assert campaign.left() == []


def test_a_variable_that_is_not_set_is_named(campaign, files, monkeypatch):
    monkeypatch.delenv("NTUPLES", raising=False)
    campaign.tree["samples"]["data"]["files"] = ["$NTUPLES/*.root"]
    campaign.write()
    with pytest.raises(ConfigError, match=r"path '\$NTUPLES/\*\.root': variable NTUPLES is not set"):
        campaign.task(SkimNtuples).branch_map  # noqa: B018


def test_a_file_matched_twice_is_named(campaign, files):
    campaign.tree["samples"]["data"]["files"] = [str(campaign.folder / "data*.root"), str(files["data"])]
    campaign.write()
    with pytest.raises(ConfigError, match=r"samples\.data\.files: .*/data\.root is matched by more than one pattern"):
        campaign.task(SkimNtuples).branch_map  # noqa: B018


# --- the files


def test_a_missing_branch_is_named_with_its_file(campaign, files, make_nanoaod):
    make_nanoaod(name="mc_other.root", drop=["Jet_btagDeepFlavB"])
    campaign.write()
    done = campaign.law("SkimNtuples")
    assert done.returncode != 0
    words = done.stdout + done.stderr
    assert "mc_other.root: " in words
    assert "Jet_btagDeepFlavB" in words
    made = [path.name for path in digests_removed(campaign.left()) if path.suffix == ".parquet"]
    assert sorted(name.split("_")[0] for name in made) == ["data", "data", "mc", "mc"]
    assert not any("other" in path.name for path in campaign.left())


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("options", "spoil", "message"),
    [
        ({}, truncate, r"mc\.root: .*truncated or corrupt .*; copy the file again"),
        ({}, lambda path: path.write_bytes(b""), r"mc\.root: .*truncated or corrupt"),
        ({"tree": "Other"}, None, r"mc\.root: no Events tree \(the file holds Other \(TTree\)"),
        (
            {"replace": {"Jet_btagDeepFlavB": np.float32(-3000)}},
            None,
            r"mc\.root: .*Jet_btagDeepFlavB is -3000 for (\d+) of \1 jets.*the tagger was not run",
        ),
        (
            {"replace": {"Jet_btagDeepFlavB": np.float32(np.nan)}},
            None,
            r"Jet_btagDeepFlavB is invalid for .*NaN or inf.*max_invalid_fraction",
        ),
    ],
    ids=["truncated", "empty", "no Events tree", "tagger not run", "NaN scores"],
)
def test_a_bad_file_is_named_with_the_reason_and_leaves_no_table(campaign, make_nanoaod, options, spoil, message):
    make_nanoaod(name="data.root", data=True)
    path = make_nanoaod(name="mc.root", **options)
    if spoil is not None:
        spoil(path)
    with pytest.raises((NtupleError, SkimError), match=message):
        campaign.skim()
    assert not any("mc" in path.name for path in campaign.left())


def test_a_few_invalid_scores_are_counted_and_no_error(campaign, make_nanoaod):
    def scores_of(table):
        return json.loads(pq.read_schema(table).metadata[b"deepsf"])["jets"]

    make_nanoaod(name="data.root", data=True)
    path = make_nanoaod(3000, name="mc.root", basket=3000)
    campaign.tree["tagger"]["max_invalid_fraction"] = 0.2
    before = scores_of(campaign.skim()[0])
    with uproot.open({path: "Events"}) as tree:
        scores = tree["Jet_btagDeepFlavB"].array()
    spoiled = np.random.default_rng(3).random(ak.sum(ak.num(scores))) < 0.1
    scores = ak.where(ak.unflatten(spoiled, ak.num(scores)), np.float32(np.nan), scores)
    make_nanoaod(3000, name="mc.root", basket=3000, replace={"Jet_btagDeepFlavB": scores})
    after = scores_of(campaign.skim()[0])
    assert before["invalid"] == 0
    assert after["selected"] == before["selected"]
    assert after["invalid"] == after["nan"] == pytest.approx(0.1 * after["selected"], rel=0.2)


def test_a_region_without_events_is_named_when_it_is_first_needed(campaign, files):
    campaign.tree["regions"]["hf"]["tag_above"] = 0.999999
    campaign.skim()
    with pytest.raises(SkimError) as error:
        campaign.task(MeasureBinnedSF).run()
    first, second = (line for line in str(error.value).splitlines() if line.startswith("region hf"))
    assert first.startswith("region hf: no data event is selected (samples: data); the last step with events is ")
    assert first.endswith("check the cuts of regions.hf in the config, or give more input")
    assert second.startswith("region hf: no simulation event is selected (samples: mc)")
    assert not (campaign.folder / "out/v1/mine/MeasureBinnedSF").exists()


# --- a full disk


def on_a_full_disk(staged):
    """Return `staged` such that everything written into it goes to a full device."""

    @contextmanager
    def full(*targets):
        with staged(*targets) as parts:
            for part in parts:
                part.symlink_to("/dev/full")
            yield parts

    return full


def test_skims_on_a_full_disk_leave_nothing_and_say_so(campaign, files, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(skim, "staged", on_a_full_disk(skim.staged))
        with pytest.raises(OSError, match=r"table cannot be written: No space left on device; free disk space there"):
            campaign.skim()
    assert digests_removed(campaign.left()) == []
    assert all(table.exists() for table in campaign.skim())


@pytest.fixture
def toy(tmp_path, monkeypatch, campaign):
    """A generated campaign with its composition at hand."""
    monkeypatch.setattr("deepsf.generator.tuning.tune", lambda *_: Composition())
    tree = {"extends": str(ROOT / "configs" / "toy_small.yaml"), "campaign": {"luminosity_ifb": 0.01}}
    campaign.tree = tree
    return campaign.write()


def test_a_json_artefact_on_a_full_disk_leaves_nothing_and_says_so(toy, monkeypatch):
    task = toy.task(TuneGenerator)
    with monkeypatch.context() as context:
        context.setattr(generation, "staged", on_a_full_disk(generation.staged))
        with pytest.raises(OSError, match=r"No space left on device; free space there, or set DEEPSF_DATA") as error:
            task.run()
    assert error.value.filename == str(toy.folder / "out/v1/mine/TuneGenerator")
    assert digests_removed(toy.left()) == []
    task.run()
    assert task.complete()


def test_an_ntuple_on_a_full_disk_leaves_nothing_and_says_so(toy, monkeypatch):
    toy.task(TuneGenerator).run()
    task = toy.task(GenerateNtuples, branch=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(NotEnoughDiskError, match=r"ttbar_0\.root: no space left while writing .* larger disk"):
            task.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not any("GenerateNtuples" in path.parts for path in toy.left())
    task.run()
    assert all(target.exists() for target in leaves(task.output()))


def test_generation_is_refused_before_it_starts_where_the_disk_is_too_small(toy, monkeypatch):
    toy.task(TuneGenerator).run()
    full = shutil.disk_usage(toy.folder)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    workflow = toy.task(GenerateNtuples)
    with pytest.raises(NotEnoughDiskError, match=r"4 generated files need .* but only 0\.0 MB are free; free space"):
        workflow.local_workflow_pre_run()
    assert not any("GenerateNtuples" in path.parts for path in toy.left())
