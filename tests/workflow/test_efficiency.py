"""The main job of efficiencies as a user starts it: from nothing to figures, run again, edited."""

from __future__ import annotations

import json
import math
import subprocess
from typing import NamedTuple

import pytest

from deepsf.config import load
from deepsf.config.efficiency.truth_tagging import tag_point
from deepsf.plots.efficiency.plan import efficiency_figures
from tests.workflow.campaign import ROOT, Campaign
from tests.workflow.edits import assert_each_edit_runs_exactly_what_depends_on_it
from tests.workflow.efficiency_edits import REQUIRED, TOP, efficiency_edits

SAMPLES = ("train", "test", "scalar")


class EfficiencyJob(NamedTuple):
    campaign: Campaign
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def efficiency_job(tmp_path_factory: pytest.TempPathFactory) -> EfficiencyJob:
    """Return the finished main job; tests that change its outputs work on a copy."""
    campaign = Campaign(tmp_path_factory.mktemp("efficiency_job"), base="tiny_efficiency")
    return EfficiencyJob(campaign, campaign.law(TOP))


def test_the_main_job_ends_well(efficiency_job):
    done = efficiency_job.done
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert "Traceback" not in done.stdout + done.stderr


def test_everything_is_made_and_nothing_is_empty(efficiency_job):
    config = load(ROOT / "tests" / "workflow" / "tiny_efficiency.yaml")
    points = config.efficiency.wp_names
    others = [point for point in points if point != tag_point(points)]
    planned = efficiency_figures(tuple(config.flavours), is_toy=True, other_points=others)
    figures = [f"{stem}.png" for stem, _ in planned]
    trainings = {
        "TrainEfficiency": [f"gnn_{number}" for number in range(3)],
        "TrainEfficiencyComparisons": [f"{name}_{n}" for name in ("closest_jet", "pairwise") for n in range(2)],
        "TrainEfficiencyFolds": [f"gnn_fold{fold}_0" for fold in range(2)],
    }
    expected = {
        "GenerateEfficiencyToy": [f"{kind}_{sample}.parquet" for kind in ("events", "truth") for sample in SAMPLES],
        "BuildEfficiencyMaps": ["map.json", "map_delta_r.json"],
        "AggregateEfficiency": [f"{name}.safetensors" for name in ("closest_jet", "fold0", "fold1", "gnn", "pairwise")],
        "EvaluateEfficiency": [f"efficiencies_{sample}.safetensors" for sample in SAMPLES],
        "MeasureNonClosure": ["non_closure_test.json", "non_closure_train.json"],
        "ApplyTruthTagging": [f"truth_tagged_{sample}.parquet" for sample in SAMPLES],
        "RunCoverageReplicas": ["coverage.json"],
        "MeasureEfficiencySF": ["scale_factors.json"],
        # the configuration has several working points itself
        "RunEfficiencyExperiments": ["hidden_variable.json", "untagged_weight.json"],
        "AuditEfficiency": ["audit.json", "closure.json"],
        "ExportEfficiency": ["efficiency.onnx", "efficiency_maps.json.gz"],
        "PlotEfficiency": figures,
        TOP: ["summary.txt"],
    } | {
        task: [name for member in members for name in (f"history_{member}.json", f"member_{member}.safetensors")]
        for task, members in trainings.items()
    }
    made = efficiency_job.campaign.artefacts()
    assert sorted(made) == sorted(f"{task}/{name}" for task, names in expected.items() for name in names)
    assert [name for name in made if (efficiency_job.campaign.outputs / name).stat().st_size == 0] == []


def test_the_audit_has_a_row_a_figure_with_value_limit_and_verdict(efficiency_job):
    report = json.loads((efficiency_job.campaign.outputs / "AuditEfficiency" / "audit.json").read_text())
    assert {"commit", "cpu", "cores", "config"} <= report.keys()
    for flavour in ("b", "c", "udsg"):
        assert math.isfinite(report["rows"][f"deviation.gnn.{flavour}"]["value"])
    config = load(ROOT / "tests" / "workflow" / "tiny_efficiency.yaml")
    assert report["rows"].keys() == config.efficiency.row_names(config.flavours).keys()
    for name, row in report["rows"].items():
        assert {"value", "limit", "passed"} <= row.keys(), name
        assert (row["limit"] is None) == (row["passed"] is None), name


def test_true_efficiencies_are_an_input_of_the_audit_and_of_nothing_else(efficiency_job):
    for manifest in efficiency_job.campaign.outputs.glob("*/.*.manifest.json"):
        content = json.loads(manifest.read_text())
        reads_truth = any("truth_" in key for key in content["inputs"] if key.startswith("input:"))
        tagged = {key for key in content["inputs"] if "truth_tagged" in key}
        truth = {key for key in content["inputs"] if "GenerateEfficiencyToy/truth_" in key}
        assert reads_truth == bool(tagged or truth)
        assert bool(truth) == (content["task"] == "AuditEfficiency"), manifest


def test_no_manifest_or_artefact_knows_where_it_was_made(efficiency_job):
    campaign = efficiency_job.campaign
    for name in campaign.artefacts():
        path = campaign.outputs / name
        for file in (path.with_name(f".{path.name}.manifest.json"), path):
            assert str(campaign.data).encode() not in file.read_bytes(), file


def test_a_second_run_does_nothing_at_all(efficiency_job):
    campaign = efficiency_job.campaign
    before = campaign.everything()
    again = campaign.law(TOP)
    assert again.returncode == 0, again.stderr[-3000:]
    assert campaign.everything() == before


def test_each_edit_reruns_exactly_what_depends_on_it_and_the_way_back_trains_nothing(efficiency_job, tmp_path):
    campaign = efficiency_job.campaign.copy(tmp_path / "edited", *REQUIRED)
    assert_each_edit_runs_exactly_what_depends_on_it(campaign, efficiency_edits, REQUIRED)
    first = efficiency_job.campaign
    names = first.artefacts().keys()
    differ = [n for n in names if (campaign.outputs / n).read_bytes() != (first.outputs / n).read_bytes()]
    assert differ == []


def test_a_campaign_of_the_other_kind_is_refused_in_words(tmp_path):
    campaign = Campaign(tmp_path, base="tiny_efficiency")
    done = campaign.law("ProduceDeepSFEnsemble")
    assert done.returncode != 0
    assert "it is one of efficiencies alone; choose another with --config" in done.stdout + done.stderr
