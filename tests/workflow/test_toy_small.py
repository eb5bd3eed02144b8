"""The main job as a user starts it: from nothing to figures, run again, and after a kill."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.workflow.edits import REQUIRED, with_all_that_require

FLAVOURS, REGIONS = ("b", "udsg"), ("hf", "lf")
METHODS = ("none", "binned", "direct", "deepsf")
FORMATS = ("png",)
"""Of figures, in the tiny campaign."""
MADE = {
    "TuneGenerator": ["composition.json"],
    "GenerateNtuples": [f"{stem}_0.root" for stem in ("data_ttbar", "data_zjets", "ttbar", "zjets")],
    "SkimNtuples": [
        f"{sample}/{stem}_0_{table}.parquet"
        for sample, stem in (("data", "data_ttbar"), ("data", "data_zjets"), ("ttbar", "ttbar"), ("zjets", "zjets"))
        for table in ("entries", "jets")
    ],
    "ReportCutFlow": ["cut_flow.txt", "processed_luminosity/data.json"],
    "SampleInclusiveJets": ["inclusive.parquet"],
    "MeasureBinnedSF": ["binned.json"],
    "TrainDeepSF": ["history_0.json", "history_1.json", "member_0.safetensors", "member_1.safetensors"],
    "TrainDirectSF": ["direct.safetensors", "history.json"],
    "AggregateDeepSF": ["bins.json", "ensemble.safetensors", "entries_hf.parquet", "entries_lf.parquet", "grid.json"],
    "TrainBootstraps": ["bootstrap_0.safetensors", "bootstrap_1.safetensors", "history_0.json", "history_1.json"],
    "TrainShifts": ["history_0.json", "names_0.json", "shifts_0.safetensors"],
    "TrainDeepSFShifts": ["history_0.json", "names_0.json", "shifts_0.safetensors"],
    "MeasureErrors": ["errors.json", "refits.safetensors", "refits_deepsf.safetensors"],
    "AuditScaleFactors": ["audit.json", "bin_means.json", "closure.json", "truth_overlay.json"],
    "ExportScaleFactors": [
        *(
            f"deepJet_{name}.gz"
            for name in (
                "deepsf.json",
                "deepsf_networks.json",
                "direct.json",
                "shape.csv",
                "shape.json",
                "shape_safe.json",
            )
        ),
        "deepJet_deepsf.onnx",
        "normalisation_maps.json",
    ],
    "PlotScaleFactors": [
        f"{stem}.{kind}"
        for stem in ("training", *(f"{s}_{f}" for s in ("map", "overview", "truth") for f in FLAVOURS))
        for kind in FORMATS
    ]
    + [f"sf_{flavour}_pt20up_eta0to2p5.{kind}" for flavour in FLAVOURS for kind in FORMATS],
    "PlotClosure": [
        f"closure_{region}{fine}.{kind}" for region in REGIONS for fine in ("", "_fine") for kind in FORMATS
    ],
    "AuditPhaseSpace": ["histograms.json", "phase_space.json"],
    "PlotPhaseSpace": [
        f"{space}_{variable}.{kind}"
        for space, variables in (
            ("measurement", ("leading", "second", "ht")),
            ("closure", ("leading", "second", "further", "n_jets", "ht")),
            ("validation", ("leading", "second", "further", "n_jets", "ht")),
        )
        for variable in variables
        for kind in FORMATS
    ],
    "PlotPurity": [f"{stem}.{kind}" for stem in ("condition", "purity_hf", "purity_lf") for kind in FORMATS],
    "ProduceDeepSFEnsemble": ["summary.txt"],
}
FROM_TRAINING_ON = with_all_that_require({"TrainDeepSF"}, REQUIRED)


def read(campaign, name):
    return json.loads((campaign.outputs / name).read_text())


# --- one run


def test_the_main_job_ends_well(main_job):
    assert main_job.done.returncode == 0, main_job.done.stdout[-5000:] + main_job.done.stderr[-5000:]
    assert "Traceback" not in main_job.done.stdout + main_job.done.stderr


def test_everything_is_made_and_nothing_is_empty(main_job):
    made = main_job.campaign.artefacts()
    assert sorted(made) == sorted(f"{task}/{name}" for task, names in MADE.items() for name in names)
    assert [name for name in made if (main_job.campaign.outputs / name).stat().st_size == 0] == []


def test_figures_are_what_they_are_called(main_job):
    starts = {".pdf": b"%PDF-", ".png": b"\x89PNG"}
    for name in main_job.campaign.artefacts():
        path = main_job.campaign.outputs / name
        if path.suffix in starts:
            assert path.read_bytes().startswith(starts[path.suffix]), name
            assert path.stat().st_size > 2000, name


def test_a_manifest_lies_beside_each_output_and_no_part_is_left(main_job):
    for name in main_job.campaign.artefacts():
        path = main_job.campaign.outputs / name
        manifest = json.loads(path.with_name(f".{path.name}.manifest.json").read_text())
        assert manifest["task"] == name.split("/")[0]
    assert [path for path in main_job.campaign.data.rglob("*") if "part-" in path.name] == []


def test_the_audit_has_the_agreed_keys_with_finite_figures(main_job):
    report = read(main_job.campaign, "AuditScaleFactors/audit.json")

    def figure(*keys):
        value = report
        for key in keys:
            value = value[key]
        assert isinstance(value, int | float), keys
        assert math.isfinite(value), keys
        return value

    assert (report["config"], report["cores"]) == ("tiny", os.cpu_count())
    assert isinstance(report["commit"], str)
    assert isinstance(report["cpu"], str)
    assert report["seeds"]["generator"] == 1
    assert set(report["trainings"]) == {"direct", "bootstraps", "shifts", "deepsf_shifts"}
    assert not any(report["errors_lacking"].values())
    assert set(report["probe_jets"]) == set(REGIONS)
    assert all(figure("probe_jets", region) > 5000 for region in REGIONS)
    for flavour in FLAVOURS:
        for method in (*METHODS, "binned_smooth", "deepsf_member"):
            assert figure("truth", "rms", method, flavour) >= 0
        for key in ("mean", "width", "width_error", "median_abs"):
            figure("truth", "pull", "deepsf", flavour, key)
        assert report["truth"]["pull"]["deepsf"][flavour]["error"] in ("sem", "bootstrap")
    for region in REGIONS:
        for key in (*METHODS, "truth", "delta_deepsf", "sigma_delta"):
            figure("two_sample_auc", region, key)
        for method in METHODS:
            assert figure("closure_chi2", region, method, "chi2") >= 0
            assert figure("closure_chi2", region, method, "ndf") > 0
            assert 0 <= figure("closure_chi2", region, method, "p") <= 1
    for method in ("binned", "direct", "deepsf"):
        figure("yield", method, "max_pull")


def test_region_purities_are_those_of_the_configuration(main_job):
    purity = read(main_job.campaign, "AuditScaleFactors/audit.json")["purity"]
    assert purity == pytest.approx({"hf": 0.85, "lf": 0.88}, abs=0.02)


def test_the_run_prints_cut_flows_results_and_where_the_time_went(main_job):
    printed = main_job.done.stdout
    assert "region_hf" in printed  # the cut flow
    assert "RMS of S - truth over probe jets" in printed
    assert (main_job.campaign.outputs / "ProduceDeepSFEnsemble" / "summary.txt").read_text() in printed
    summary = printed[printed.index("Where the time went") :]
    assert [task for task in MADE if task not in summary] == ["ProduceDeepSFEnsemble"]


def test_no_manifest_or_artefact_knows_where_it_was_made(main_job):
    for name in main_job.campaign.artefacts():
        path = main_job.campaign.outputs / name
        manifest = path.with_name(f".{path.name}.manifest.json")
        for file in (manifest, *([path] if path.suffix in (".json", ".safetensors", ".parquet", ".txt") else [])):
            assert str(main_job.campaign.data).encode() not in file.read_bytes(), file


def test_the_phase_spaces_have_their_tests_with_finite_figures(main_job):
    report = read(main_job.campaign, "AuditPhaseSpace/phase_space.json")
    tests = report["validation"]["tests"]
    assert set(tests) == {"ee", "emu", "mumu", "all"}
    for variable in ("leading", "second", "further", "n_jets", "ht"):
        for method in (*METHODS, "binned_smooth"):
            found = tests["all"][variable][method]
            assert 0 <= found["p"] <= 1
            assert math.isfinite(found["chi2"])
            assert found["ndf"] > 0
    # rates are taken without scale factors, from all events of two jets and more
    for channel, yields in report["yields"]["closure"].items():
        assert math.isclose(yields["none"], yields["data"], rel_tol=1e-9), channel
        assert abs(yields["deepsf"] / yields["none"] - 1) < 0.05
    assert all(rms < 0.01 for m in ("direct", "deepsf") for rms in report[f"{m}_interpolation_rms"].values())
    assert "(validation region)" in (main_job.campaign.outputs / "ProduceDeepSFEnsemble" / "summary.txt").read_text()


# --- run again


def test_a_second_run_does_nothing_at_all(main_job):
    campaign = main_job.campaign
    before = campaign.everything()
    again = campaign.law("ProduceDeepSFEnsemble")
    assert again.returncode == 0, again.stderr[-3000:]
    assert campaign.everything() == before
    assert "nothing to do" not in again.stdout


def test_status_from_the_top_shows_all_as_existent(main_job):
    status = main_job.campaign.law("ProduceDeepSFEnsemble", "--print-status", "-1")
    assert status.returncode == 0, status.stderr[-3000:]
    words = [line.strip("│ ") for line in status.stdout.splitlines()]
    states = [word for word in words if word.startswith(("existent", "absent", "stale"))]
    assert set(states) == {"existent", "existent (4/4)", "existent (2/2)", "existent (1/1)"}
    assert [task for task in MADE if f" {task}(" not in status.stdout] == []


def test_outputs_moved_to_another_folder_still_count(main_job, tmp_path):
    moved = main_job.campaign.copy(tmp_path / "moved", *MADE)
    before = moved.artefacts()
    assert moved.law("ProduceDeepSFEnsemble").returncode == 0
    assert moved.artefacts() == before


# --- a kill


def test_a_run_killed_in_the_middle_of_training_goes_on_to_identical_bytes(main_job, tmp_path):
    made_before = [task for task in MADE if task not in FROM_TRAINING_ON]
    campaign = main_job.campaign.copy(tmp_path / "killed", *made_before)
    training = campaign.outputs / "TrainDeepSF"
    process = subprocess.Popen(
        campaign.command("AggregateDeepSF"),
        env=campaign.environment(workers=1),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 200
        while not (first := list(training.glob(".member_*.manifest.json"))):
            assert process.poll() is None, "law ended before a member was trained"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)  # into the training of the other member
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(list(training.glob(".member_*.manifest.json"))) == 1
    assert not (campaign.outputs / "AggregateDeepSF").exists()
    sealed = first[0].stat().st_mtime_ns

    done = campaign.law("AggregateDeepSF")
    assert done.returncode == 0, done.stderr[-3000:]
    assert first[0].stat().st_mtime_ns == sealed  # the finished member was not trained again
    for name in (f"{task}/{name}" for task in ("TrainDeepSF", "AggregateDeepSF") for name in MADE[task]):
        assert (campaign.outputs / name).read_bytes() == (main_job.campaign.outputs / name).read_bytes(), name
    assert [path for path in Path(campaign.data).rglob("*") if "part-" in path.name] == []
