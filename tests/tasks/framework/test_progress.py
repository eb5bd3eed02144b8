"""What trainings print while they run, and the checkpoint that another attempt goes on from."""

from __future__ import annotations

from deepsf.training.history import Progress
from tasks.framework.progress import ProgressLine, checkpoint_of
from tests.tasks.framework.chain import FirstOfChain


def test_a_line_every_20_s_with_losses_and_time_left_by_the_pace_of_this_attempt(campaign, said, monkeypatch):
    now = iter([0.0, 1.0, 15.0, 31.0, 40.0, 61.0])
    monkeypatch.setattr("tasks.framework.progress.time.monotonic", lambda: next(now))
    line = ProgressLine(campaign.task(FirstOfChain), "member 3")
    for step in (100, 110, 130, 140, 160):  # it goes on from a checkpoint at step 100
        line(Progress(step, 400, {"adversary": 0.25, "scale_factor": 1.0}))
    assert said == [
        "member 3: step 130 of 400, 4:30 min left; adversary 0.2500, scale_factor 1.0000",
        "member 3: step 160 of 400, 4:00 min left; adversary 0.2500, scale_factor 1.0000",
    ]


def test_a_checkpoint_lies_where_the_task_keeps_it_and_belongs_to_its_inputs(campaign, said, monkeypatch):
    place = campaign.data / "state"
    monkeypatch.setattr(FirstOfChain, "kept_between_attempts", lambda _: (place,))
    campaign.edit(htcondor={"checkpoint_minutes": 0.5})
    first = checkpoint_of(campaign.task(FirstOfChain), "member 3")
    campaign.edit(htcondor={"checkpoint_minutes": 2})
    same = checkpoint_of(campaign.task(FirstOfChain), "member 3")
    campaign.edit(training={"layers": 7})
    other = checkpoint_of(campaign.task(FirstOfChain), "member 3")
    assert (first.path, first.every_s, same.every_s) == (place, 30, 120)
    assert first.key == same.key != other.key
    first.tell("resumed")
    assert said == ["member 3: resumed"]
