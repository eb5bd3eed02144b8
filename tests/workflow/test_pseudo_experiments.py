"""Pseudo-experiments as a task: figures and their plot, made again only if their numbers change."""

from __future__ import annotations

import json

from tests.workflow.campaign import Campaign


def test_pseudo_experiments_rerun_when_their_numbers_change(tmp_path):
    campaign = Campaign(tmp_path)
    options = ("--n-experiments", "4", "--n-bootstrap", "30", "--n-events", "400000")
    done = campaign.law("RunPseudoExperiments", *options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    folder = campaign.outputs / "RunPseudoExperiments"
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == ["purities 0.70, 0.75", "purities 0.85, 0.90"]
    for found in summary.values():
        assert (found["n_experiments"], found["n_bins"], found["n_left_out"]) == (4, 22, 4)
        assert max(found["expected_where_left_out"]) < 25
    assert (folder / "pulls.png").stat().st_size > 1000
    before = campaign.artefacts()
    assert campaign.law("RunPseudoExperiments", *options).returncode == 0
    assert campaign.artefacts() == before
    assert campaign.law("RunPseudoExperiments", *options, "--seed", "2").returncode == 0
    assert json.loads((folder / "summary.json").read_text()) != summary
