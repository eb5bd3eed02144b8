"""Campaigns of CMS in small: `CheckCampaign` finds nothing, and the main job ends. All other chains here are of v9."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from deepsf.config import Config, load
from scripts.make_small_campaign import write
from tests.workflow.campaign import ROOT, Campaign, Launch

ERAS = {"cms_2023BPix": "v12", "cms_2024": "v15"}
TINY = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())


class Done(NamedTuple):
    """A small campaign, and what law has printed."""

    campaign: Campaign
    check: str
    main_job: str


def tiny(config: Config) -> dict[str, Any]:
    """Return what makes a small campaign tiny: few events and bins, a JES source that is flat and one that is not."""
    dropped = config.jet_corrections.jes_sources.keys() - {"Absolute", "AbsoluteScale", "RelativeBal"}
    return {key: TINY[key] for key in ("event_weight", "normalisation", "training", "ensemble", "audit", "plots")} | {
        "campaign": {"luminosity_ifb": 0.3},
        "direct": None,
        "generator": {"simulation_over_data": 1.0},
        "jet_corrections": {"jes_sources": dict.fromkeys(dropped)},
        "binned": {"n_bootstrap": 3, "bins": {name: {"pt_gev": [20, 1000]} for name in config.binned.bins}},
    }


@pytest.fixture(scope="module", params=[pytest.param("cms_2023BPix", marks=pytest.mark.drills), "cms_2024"])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a campaign of an era, checked and run to its end."""
    folder = tmp_path_factory.mktemp(request.param)
    small = write(ROOT / "configs" / f"{request.param}.yaml", ERAS[request.param], folder / "corrections")
    launch = Launch(env={**os.environ, "DEEPSF_CORRECTIONS": str(small.parent)})
    campaign = Campaign(folder, tiny(load(small)), launch, small)
    printed = []
    for command in (("CheckCampaign", "--n-events", "5000"), ("ProduceDeepSFEnsemble",)):
        ended = campaign.law(*command)
        assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-5000:]
        printed.append(ended.stdout)
    return Done(campaign, *printed)


def read(done: Done, name: str) -> str:
    return Path(done.campaign.outputs / name).read_text()


def test_nothing_is_wrong_with_a_small_campaign(done):
    assert json.loads(read(done, "CheckCampaign/check.json")) == {"problems": []}
    assert "no problem found" in done.check


def test_the_files_make_up_all_certified_blocks_and_data_have_the_rates_of_simulation(done):
    cut_flow = read(done, "ReportCutFlow/cut_flow.txt")
    blocks = re.findall(r"^luminosity blocks of \w+: (\d+) of (\d+) certified", cut_flow, re.M)
    assert len(blocks) >= 3
    assert all(processed == certified for processed, certified in blocks)
    ratios = re.findall(r"^(?:hf|lf)\b.* (?:ee|emu|mumu) +[\d.]+ +[\d.]+ +([\d.]+)$", cut_flow, re.M)
    assert len(ratios) == 5
    # offsets and tilt of pseudo-data move the rates by some five per cent, and so do few events
    assert all(0.8 < float(ratio) < 1.2 for ratio in ratios), ratios


def test_errors_without_a_direct_density_ratio_say_what_they_lack(done):
    summary = read(done, "ProduceDeepSFEnsemble/summary.txt")
    assert "errors without bootstraps of the fit (stat is the counting error alone): deepsf\n" in summary
    assert "errors without systematic shifts: deepsf\n" in summary


def test_scale_factors_of_a_small_campaign_come_closer_to_the_truth(done):
    rms = json.loads(read(done, "AuditScaleFactors/audit.json"))["truth"]["rms"]
    for flavour in ("b", "udsg"):
        assert rms["deepsf"][flavour] < rms["none"][flavour], flavour
    assert done.main_job.index("RMS of S - truth over probe jets") < done.main_job.index("Where the time went")
