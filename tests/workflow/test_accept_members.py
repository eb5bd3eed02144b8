"""An ensemble with a member that cannot be trained: left as it is, accepted, and made whole."""

from __future__ import annotations

import json

import pytest

BEFORE_TRAINING = ("TuneGenerator", "GenerateNtuples", "SkimNtuples", "SampleInclusiveJets", "MeasureBinnedSF")
TRAINED = {f"TrainDeepSF/{kind}" for n in (0, 2) for kind in (f"member_{n}.safetensors", f"history_{n}.json")}


@pytest.fixture
def campaign(main_job, tmp_path):
    """Three members to train, and a folder in the way of the second one's output."""
    campaign = main_job.campaign.copy(tmp_path / "accept", *BEFORE_TRAINING)
    campaign.sections = {"ensemble": {"n_members": 3}}
    campaign.write()
    (campaign.outputs / "TrainDeepSF" / "member_1.safetensors").mkdir(parents=True)
    return campaign


def artefacts_of(campaign, *tasks):
    return {name: time for name, time in campaign.artefacts().items() if name.split("/")[0] in tasks}


def members_in_bins(campaign):
    bins = json.loads((campaign.outputs / "AggregateDeepSF" / "bins.json").read_text())
    manifest = json.loads((campaign.outputs / "AggregateDeepSF" / ".bins.json.manifest.json").read_text())
    named = sorted(key.partition("/")[2] for key in manifest["inputs"] if "TrainDeepSF/member" in key)
    return bins["members_used"], bins["n_members_configured"], named


def test_a_member_that_fails_is_named_then_accepted_then_trained(campaign):
    failed = campaign.law("AggregateDeepSF")
    assert failed.returncode != 0
    last = failed.stdout.splitlines()[-1]
    assert last == (
        "TrainDeepSF: 2 of 3 members are there, missing: 1; the same command trains just these, "
        "--accept-members 2 goes on without"
    )
    assert set(artefacts_of(campaign, "TrainDeepSF", "AggregateDeepSF")) == TRAINED  # the others went on to their end

    # from nothing: all members are tried, and one command goes on without the one that fails
    for name in TRAINED:
        (campaign.outputs / name).unlink()
    accepted = campaign.law("ProduceDeepSFEnsemble", "--accept-members", "2")
    assert accepted.returncode == 0, accepted.stdout[-3000:] + accepted.stderr[-3000:]
    assert "IsADirectoryError" in accepted.stdout + accepted.stderr
    assert set(artefacts_of(campaign, "TrainDeepSF")) == TRAINED
    assert members_in_bins(campaign) == (
        [0, 2],
        3,
        ["TrainDeepSF/member_0.safetensors", "TrainDeepSF/member_2.safetensors"],
    )
    audit = json.loads((campaign.outputs / "AuditScaleFactors" / "audit.json").read_text())
    assert {name: audit["members"][name] for name in ("used", "configured")} == {"used": 2, "configured": 3}
    summary = (campaign.outputs / "ProduceDeepSFEnsemble" / "summary.txt").read_text()
    assert "DeepSF with 2 of 3 members" in summary
    assert "errors without systematic shifts: deepsf, direct" in summary  # the tiny campaign repeats no fit for them

    # what was accepted counts for who accepts it, and for nobody else
    before = campaign.everything()
    assert campaign.law("ProduceDeepSFEnsemble", "--accept-members", "2").returncode == 0
    assert campaign.everything() == before
    assert (
        "2 files in tiny/TrainDeepSF are absent or stale"
        in campaign.law("AggregateDeepSF", "--print-status", "0").stdout
    )

    # without the obstacle: the missing one is trained, and only then does the aggregate follow
    (campaign.outputs / "TrainDeepSF" / "member_1.safetensors").rmdir()
    before = artefacts_of(campaign, "TrainDeepSF", "AggregateDeepSF")
    whole = campaign.law("AggregateDeepSF")
    assert whole.returncode == 0, whole.stderr[-3000:]
    after = artefacts_of(campaign, "TrainDeepSF", "AggregateDeepSF")
    assert {name for name in after if after[name] != before.get(name) and name.startswith("TrainDeepSF")} == {
        "TrainDeepSF/member_1.safetensors",
        "TrainDeepSF/history_1.json",
    }
    assert all(after[name] != before[name] for name in after if name.startswith("AggregateDeepSF"))
    assert members_in_bins(campaign)[0] == [0, 1, 2]


@pytest.mark.parametrize("asked", [1, 4])
def test_a_number_that_is_no_ensemble_or_more_than_configured_is_refused(campaign, asked):
    done = campaign.law("AggregateDeepSF", "--accept-members", str(asked), "--print-status", "0")
    assert done.returncode != 0
    words = f"--accept-members {asked}: must be at least 2 and at most ensemble.n_members, which is 3"
    assert words in done.stdout + done.stderr


def test_too_few_members_are_not_accepted(campaign):
    (campaign.outputs / "TrainDeepSF" / "member_0.safetensors").mkdir()
    done = campaign.law("AggregateDeepSF", "--accept-members", "2", workers=1)
    assert done.returncode != 0
    assert "members that failed: 0, 1; too many for --accept-members 2" in done.stdout + done.stderr
    assert "1 of 3 members are there, missing: 0, 1; the same command trains just these" in done.stdout
    assert artefacts_of(campaign, "AggregateDeepSF") == {}
