"""Whatever happens to a job: its member is trained again or goes on, no other one is touched, and the user reads why.

A disturbance is a generator: it orders faults before the driver starts, strikes while it runs, and looks at what the
user saw once it ended. So drills join several of them.
"""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

drills = pytest.mark.drills
lean = pytest.mark.htcondor


def run_disturbed(drill, *disturbances, options=()):
    """Run the campaign to its good end with disturbances."""
    for disturbance in disturbances:
        next(disturbance)
    driver = drill.start(*options)
    for disturbance in disturbances:
        next(disturbance)
    assert driver.wait() == 0, driver.terminal[-6000:]
    for disturbance in disturbances:
        assert next(disturbance, None) is None
    drill.assert_as_undisturbed()
    return driver


def said_of(drill, member):
    """Return the lines in which the driver names a member's failure."""
    lines = drill.drivers[-1].terminal.splitlines()
    found = [line for line in lines if re.search(rf"(member|branch) {member}\b.*fail", line)]
    assert found, drill.drivers[-1].terminal[-4000:]
    return found


# --- disturbances


def raises_once(drill, member):
    drill.fault(member, "raise_once", "the jets are gone")
    yield
    yield
    assert said_of(drill, member)
    assert "RuntimeError: the jets are gone" in drill.drivers[-1].terminal
    assert drill.trainings()[member] == 2
    yield


def is_removed(drill, member):
    drill.fault(member, "sleep_once", 60)
    yield
    drill.pool.ask("condor_rm", drill.begun(member)["job"])
    yield
    assert any("condor_rm" in line for line in said_of(drill, member))
    assert drill.trainings()[member] == 2
    yield


def payload_is_killed(drill, member):
    drill.fault(member, "slow_step_once", 0.2)
    yield
    os.kill(drill.checkpointed(member)["pid"], signal.SIGKILL)
    yield
    assert said_of(drill, member)
    assert drill.trainings()[member] == 2
    assert drill.resumed(member) == [False, True]
    yield


def is_held_and_released(drill, member):
    drill.fault(member, "sleep_once", 60)
    yield
    held = drill.begun(member)["job"]
    drill.pool.ask("condor_hold", held)
    again = drill.begun(member, 2)["job"]
    drill.pool.run(["condor_release", "-all"])
    assert again != held
    yield
    assert any("hold" in line or "held" in line for line in said_of(drill, member))
    assert drill.trainings()[member] == 2
    yield


def is_evicted(drill, member):
    drill.fault(member, "slow_step_once", 0.2)
    yield
    drill.pool.ask("condor_vacate_job", "-fast", drill.checkpointed(member)["job"])
    yield
    assert drill.trainings()[member] == 2
    assert drill.resumed(member) == [False, True]
    jobs = {line["job"] for line in drill.record("begin", member)}
    assert len(jobs) == 1, "HTCondor starts an evicted job again, nobody else"
    yield


def ends_without_output(drill, member):
    drill.fault(member, "no_output_once")
    yield
    yield
    assert any("output" in line for line in said_of(drill, member))
    assert drill.trainings()[member] == 2
    yield


# --- drills

CASES = {
    "member_raises_once": (2, lambda drill: [raises_once(drill, 1)]),
    "condor_rm": (2, lambda drill: [is_removed(drill, 0)]),
    "payload_killed": (2, lambda drill: [payload_is_killed(drill, 1)]),
    "hold_then_release": (2, lambda drill: [is_held_and_released(drill, 0)]),
    "eviction_in_mid_training": (2, lambda drill: [is_evicted(drill, 0)]),
    "exit_0_without_output": (2, lambda drill: [ends_without_output(drill, 1)]),
    "lean": (4, lambda drill: [is_evicted(drill, 0), is_held_and_released(drill, 1), raises_once(drill, 2)]),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=lean if name == "lean" else drills) for name in CASES])
def test_job(drill, name):
    n_members, disturbances = CASES[name]
    drill.configure(n_members)
    disturbances = disturbances(drill)
    run_disturbed(drill, *disturbances)
    assert sum(drill.trainings().values()) == n_members + len(disturbances), drill.trainings()


@drills
def test_member_raises_always(drill):
    drill.configure(3)
    fault = drill.fault(1, "raise", "the jets are gone")
    driver = drill.start("--retries", "1")
    assert driver.wait() != 0
    assert said_of(drill, 1)
    assert "RuntimeError: the jets are gone" in driver.terminal
    assert drill.trainings() == {0: 1, 1: 2, 2: 1}
    assert sorted(path.name for path in (drill.outputs / "TrainDeepSF").glob("member_*")) == [
        "member_0.safetensors",
        "member_2.safetensors",
    ]
    drill.wait("an empty queue", lambda: not drill.pool.queue(), 20)
    fault.unlink()
    again = drill.run("--retries", "0")
    assert drill.trainings() == {0: 1, 1: 3, 2: 1}
    assert "Traceback" not in again.terminal
    drill.assert_as_undisturbed()


@drills
def test_accepted_without_a_member(drill):
    drill.configure(4)
    fault = drill.fault(1, "raise", "the jets are gone")
    options = ("--retries", "1", "--accept-members", "3")
    driver = drill.run(*options, task="AuditScaleFactors")
    assert said_of(drill, 1)
    assert "RuntimeError: the jets are gone" in driver.terminal
    assert "going on with 3 branches, as was asked for" in driver.terminal
    assert drill.trainings() == {0: 1, 1: 2, 2: 1, 3: 1}
    assert used_members(drill) == ([0, 2, 3], {"used": 3, "configured": 4})
    assert drill.wrong("TrainDeepSF") == []
    drill.wait("an empty queue", lambda: not drill.pool.queue(), 20)

    # what was accepted is complete for who accepts it
    drill.run(*options, task="AuditScaleFactors")
    assert drill.trainings() == {0: 1, 1: 2, 2: 1, 3: 1}

    fault.unlink()
    again = drill.run("--retries", "0", task="AuditScaleFactors")
    assert drill.trainings() == {0: 1, 1: 3, 2: 1, 3: 1}
    assert "Traceback" not in again.terminal
    assert used_members(drill) == ([0, 1, 2, 3], {"used": 4, "configured": 4})
    drill.assert_as_undisturbed()


def used_members(drill):
    """Return which members the ensemble was made with, and how many the audit says; manifests must name the same."""
    aggregate = drill.outputs / "AggregateDeepSF"
    used = json.loads((aggregate / "bins.json").read_text())["members_used"]
    inputs = json.loads((aggregate / ".bins.json.manifest.json").read_text())["inputs"]
    named = sorted(key.partition("/")[2] for key in inputs if "TrainDeepSF/member" in key)
    assert named == [f"TrainDeepSF/member_{member}.safetensors" for member in used]
    audited = json.loads((drill.outputs / "AuditScaleFactors" / "audit.json").read_text())["members"]
    return used, {name: audited[name] for name in ("used", "configured")}


@drills
def test_memory_over_request(drill):
    drill.configure(htcondor={"request_memory_mb": 900})
    drill.fault(1, "memory_mb", 1000)
    drill.fault(1, "memory_s", 15)
    driver = drill.run()
    assert any(re.search(r"memory \d+ MB above", line) for line in said_of(drill, 1)), driver.terminal[-4000:]
    ads = [line.split() for line in drill.pool.ask("condor_history", "-af:j", "RequestMemory")]
    requests = {job: int(memory) for job, memory in ads}
    assert [requests[line["job"]] for line in drill.record("begin", 1)] == [900, 1800]
    assert [requests[line["job"]] for line in drill.record("begin", 0)] == [900]
    drill.assert_as_undisturbed()


@drills
def test_disk_full(drill):
    drill.pool.orders.joinpath("full_disk").write_text(f"{drill.outputs / 'TrainDeepSF'}")
    (drill.outputs / "TrainDeepSF").mkdir()
    driver = drill.run()
    assert Path(drill.pool.orders, "full_disk.taken").exists()
    assert "No space left on device" in driver.terminal
    assert "free space there" in driver.terminal
    (member,) = (member for member, times in drill.trainings().items() if times > 1)
    assert said_of(drill, member)
    assert sorted(drill.trainings().values()) == [1, 2]
    drill.assert_as_undisturbed()
