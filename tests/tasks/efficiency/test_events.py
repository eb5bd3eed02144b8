"""Events of jets: generated or from skims, by sample, with the truth apart."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError, load
from tasks.efficiency.events import CollectJetEvents, GenerateEfficiencyToy, ReadJetEvents, truth_targets
from tasks.efficiency.experiments import MeasureEfficiencySF, RunCoverageReplicas, RunEfficiencyExperiments
from tasks.efficiency.exports import ExportEfficiency
from tasks.efficiency.maps import BuildEfficiencyMaps
from tasks.efficiency.plots import PlotEfficiency
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tests.analysis.config.efficiency.conftest import CONFIGS
from tests.tasks.conftest import names

SMALL_TOY = load(CONFIGS / "efficiency_small.yaml").efficiency.toy.model_dump(mode="json")
ON_THE_TOY = [GenerateEfficiencyToy, RunCoverageReplicas, RunEfficiencyExperiments, MeasureEfficiencySF]


@pytest.mark.parametrize("cls", ON_THE_TOY)
def test_tasks_on_the_toy_refuse_skims_in_words(of, cls):
    with pytest.raises(
        ConfigError, match=rf"no section efficiency\.toy, which {cls.__name__} needs; choose one of gen"
    ):
        of(cls, "efficiency_nanoaod")
    with pytest.raises(ConfigError, match=r"no efficiency\.toy: it is one without efficiencies; choose another"):
        of(cls, "toy_small")


def test_the_default_campaign_is_the_toy_of_efficiencies(campaign):
    assert GenerateEfficiencyToy(version="v1").config == "efficiency_toy"


def test_each_sample_is_a_branch_with_its_truth_in_a_file_of_its_own(of):
    task = of(GenerateEfficiencyToy)
    assert list(task.branch_map.values()) == ["train", "test", "scalar"]
    assert names(task.as_branch(1)) == ["events_test.parquet", "truth_test.parquet"]
    assert task.as_branch(1).own_parameters() == {"sample": "test"}


def test_who_requires_events_does_not_depend_on_their_truth(of):
    toy = of(GenerateEfficiencyToy)
    assert [target.file.name for target in toy.used_output()] == [f"events_{s}.parquet" for s in toy.samples()]
    upstream = of(BuildEfficiencyMaps).upstream()
    assert [target.file.name for target in upstream] == ["events_train.parquet"]


def test_skims_have_no_truth_and_two_samples(of):
    task = of(CollectJetEvents, "efficiency_nanoaod")
    assert task.samples() == ("train", "test")
    assert names(task) == ["events_test.parquet", "events_train.parquet"]
    assert truth_targets(task, task.samples()) == {}
    assert task.requires().task_family == "SkimNtuples"


def test_flavours_come_in_the_order_of_their_index_whatever_the_file_has(of):
    task = of(GenerateEfficiencyToy)
    assert list(task.flavours()) == sorted(task.flavours())
    assert task.hadron_flavours()["b"] == (5,)


@pytest.fixture
def of_files(of, tmp_path):
    """Return a function that makes a task on files, in place of the small toy."""
    columns = {"pt_gev": "pt", "eta": "eta", "phi": "phi", "flavour": "label", "tag_bin": "tag"}
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.parquet").write_text(name)

    def make(cls, efficiency=None, **changed):
        files = {"train": [str(tmp_path / "a.parquet")], "test": [str(tmp_path / "b.parquet")]}
        events = {**files, "transfer": {"zz": [str(tmp_path / "c.parquet")]}, "columns": columns, **changed}
        nothing = dict.fromkeys(("toy", "ratio", "experiments"))
        return of(cls, efficiency={**nothing, "events": events, "audit": {"limits": None}, **(efficiency or {})})

    return make


def test_files_have_a_sample_each_and_those_of_other_processes(of_files):
    task = of_files(ReadJetEvents)
    assert names(task) == ["events_test.parquet", "events_train.parquet", "events_zz.parquet"]
    assert task.load_events.__self__.events_target("zz").file.name == "events_zz.parquet"
    assert truth_targets(task, task.samples()) == {}
    tagged = of_files(ApplyTruthTagging)
    assert list(tagged.branch_map.values()) == ["train", "test", "zz"]
    assert {target.file.parent.name for target in of_files(BuildEfficiencyMaps).upstream()} == {"ReadJetEvents"}
    assert {"2tag_delta_r_zz", "n_tags_zz"} <= {stem for stem, _ in of_files(PlotEfficiency).plan()}


def test_the_content_of_files_is_an_input_and_their_names_are_no_more(of_files, tmp_path):
    before = of_files(ReadJetEvents).own_inputs()
    (tmp_path / "c.parquet").write_text("other")
    changed = of_files(ReadJetEvents).own_inputs()
    assert [key for key in before if before[key] != changed[key]] == [f"file:{tmp_path / 'c.parquet'}"]
    # where there is a test sample, nothing is divided
    assert of_files(ReadJetEvents, {"split": {"seed": 7}}).own_inputs() == changed
    alone = of_files(ReadJetEvents, test=[])
    assert alone.own_inputs()["config:efficiency.split"]["seed"] == 1
    assert names(alone) == ["events_test.parquet", "events_train.parquet", "events_zz.parquet"]


def test_campaigns_of_files_have_neither_tagger_nor_luminosity(of_files):
    for task in (of_files(PlotEfficiency), of_files(ExportEfficiency), of_files(ApplyTruthTagging).as_branch(0)):
        task.own_inputs()
        assert not any(key.startswith(("campaign", "tagger")) for key in task.config_keys)


def test_processes_of_skims_are_samples_of_their_own(of):
    processes = {"train": ["ttbar"], "transfer": {"zz": ["zjets"]}}
    task = of(CollectJetEvents, "efficiency_nanoaod", efficiency={"processes": processes})
    assert names(task) == ["events_test.parquet", "events_train.parquet", "events_zz.parquet"]
    exports = of(ExportEfficiency, "efficiency_nanoaod", efficiency={"processes": processes})
    assert names(exports) == ["efficiency.onnx", "efficiency_maps.json.gz", "efficiency_processes.json.gz"]
    assert {target.file.name for target in exports.upstream()} >= {"events_zz.parquet", "efficiencies_zz.safetensors"}
    assert names(of(ExportEfficiency, "efficiency_nanoaod")) == ["efficiency.onnx", "efficiency_maps.json.gz"]


def test_files_that_are_not_there_or_twice_are_named_before_anything_runs(of_files, tmp_path):
    with pytest.raises(ConfigError, match=r"^efficiency\.events\.train: '.*x\.parquet' matches no file \(looked for /"):
        of_files(ReadJetEvents, train=[str(tmp_path / "x.parquet")])
    with pytest.raises(ConfigError, match=r"^efficiency\.events\.transfer\.zz: '.*\*\.root' matches no file"):
        of_files(ReadJetEvents, transfer={"zz": [str(tmp_path / "*.root")]})
    with pytest.raises(ConfigError, match=r"^efficiency\.events: /.*a\.parquet is matched by more than one pattern$"):
        of_files(ReadJetEvents, test=[str(tmp_path / "a.*")])
    with pytest.raises(ConfigError, match=r"train: root://server//x is an address; copy the file to a disk$"):
        of_files(ReadJetEvents, train=["root://server//x"])
    with pytest.raises(
        ConfigError, match=r"no efficiency\.events\.test: it has no section efficiency\.events; write that"
    ):
        of_files(ReadJetEvents, {"events": None, "toy": SMALL_TOY, "comparisons": {}}).own_inputs()
