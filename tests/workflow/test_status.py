"""`law run ShowStatus` and `law run CleanOutputs`, as a user starts them."""

from __future__ import annotations

import json

from tests.workflow.campaign import not_up_to_date
from tests.workflow.edits import REQUIRED, with_all_that_require

FROM_TRAINING_ON = with_all_that_require({"TrainDeepSF", "TrainDeepSFShifts"}, REQUIRED)


def test_the_status_of_a_finished_job_is_a_tree_in_which_all_is_up_to_date(main_job):
    campaign = main_job.campaign
    before = campaign.everything()
    status = campaign.status()
    *tree, end = status.splitlines()
    assert end == "21 of 21 tasks are up to date"
    opened = [line.strip("│├─└ ") for line in tree if not line.endswith("see above")]
    assert sorted(line.split(" ")[0] for line in opened) == sorted(REQUIRED)
    assert "TrainDeepSF up to date (2/2)" in opened
    assert not_up_to_date(status) == set()
    assert campaign.everything() == before


def test_the_status_after_an_edit_says_what_is_to_do_and_why_and_does_nothing(main_job, tmp_path):
    campaign = main_job.campaign.copy(tmp_path / "edited", *REQUIRED)
    campaign.sections |= {"training": {"learning_rate": 0.0005}}
    campaign.write()
    before = campaign.artefacts(), campaign.records()
    status = campaign.status()
    assert "TrainDeepSF stale (0/2): training.learning_rate: 0.001 -> 0.0005\n" in status
    assert "AggregateDeepSF stale: 4 files in tiny/TrainDeepSF are absent or stale\n" in status
    assert not_up_to_date(status) == FROM_TRAINING_ON
    printed = campaign.law("ProduceDeepSFEnsemble", "--print-status", "-1").stdout
    assert "absent (0/2), stale (training.learning_rate: 0.001 -> 0.0005)" in printed
    assert "stale (4 files in tiny/TrainDeepSF are absent or stale)" in printed
    assert (campaign.artefacts(), campaign.records()) == before
    unknown = campaign.law("ShowStatus", "--task", "TrainDeepFS")
    assert unknown.returncode != 0
    assert "--task TrainDeepFS: there is no such task; there are AggregateDeepSF, " in unknown.stderr


def test_cleaning_lists_then_removes_what_no_task_names(main_job, tmp_path):
    campaign = main_job.campaign.copy(tmp_path / "cleaned", *REQUIRED)
    (campaign.outputs / ".config.json").write_text(json.dumps({"file": str(campaign.path)}))
    training = campaign.outputs / "TrainDeepSF"
    left = [
        training / name for name in ("member_2.safetensors", ".checkpoint_0.safetensors", ".resources/branch_2.json")
    ]
    left.append(campaign.outputs / "OldTask" / "sf.json")
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    campaign.status()  # knows the digests of external files from now on
    before = campaign.everything()
    shown = campaign.law("CleanOutputs")
    assert shown.returncode == 0, shown.stderr[-3000:]
    assert [path.name for path in left if f"/{path.name}  (" not in shown.stdout] == []
    assert "4 files, 8 bytes: nothing is removed yet, --dry-run False does that" in shown.stdout
    assert campaign.everything() == before
    removed = campaign.law("CleanOutputs", "--dry-run", "False")
    assert removed.returncode == 0, removed.stderr[-3000:]
    assert "4 files, 8 bytes: removed" in removed.stdout
    gone = {str(path.relative_to(campaign.data)) for path in left}
    assert campaign.everything() == {name: time for name, time in before.items() if name not in gone}
    assert not_up_to_date(campaign.status()) == set()
    assert campaign.law("CleanOutputs").stdout == "nothing is left over\n"
