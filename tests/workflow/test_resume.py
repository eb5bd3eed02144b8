"""A member that is killed in mid-training goes on in the next attempt, as if nothing had happened."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

BEFORE = ("TuneGenerator", "GenerateNtuples", "SkimNtuples", "SampleInclusiveJets")


def test_a_member_killed_in_mid_training_continues_to_identical_bytes(main_job, tmp_path):
    campaign = main_job.campaign.copy(tmp_path / "killed", *BEFORE)
    # at every step; a setting of the batch system changes no input of the training
    campaign.sections = {"htcondor": {"checkpoint_minutes": 1e-9}}
    campaign.write()
    training, checkpoint = campaign.outputs / "TrainDeepSF", ".checkpoint_0.safetensors"
    process = subprocess.Popen(
        campaign.command("TrainDeepSF"),
        env=campaign.environment(workers=1),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 200
        while not (training / checkpoint).exists():
            assert process.poll() is None, "law ended before a state was saved"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (training / checkpoint).is_file()
    assert list(training.glob("member_*")) == []

    done = campaign.law("TrainDeepSF", workers=1)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = re.findall(r"member (\d+): continues at step (\d+) of (\d+)", done.stdout)
    assert len(lines) == 1, done.stdout
    member, step, n_steps = map(int, lines[0])
    assert member == 0
    assert 0 < step < n_steps
    undisturbed = main_job.campaign.outputs / "TrainDeepSF"
    for name in (f"{stem}_{number}" for number in (0, 1) for stem in ("member", "history")):
        (made,) = training.glob(f"{name}.*")
        assert made.read_bytes() == (undisturbed / made.name).read_bytes(), name
    assert list(training.glob("*checkpoint*")) == []
