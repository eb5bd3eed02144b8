"""Whatever happens to the driver or the scheduler: jobs go on, the same command takes them over, none runs twice."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

IDLE, RUNNING = 1, 2
ONCE = {0: 1, 1: 1}


def goes_on_to_the_end(drill, trainings):
    """Give the same command again."""
    driver = drill.run()
    assert drill.trainings() == trainings
    drill.assert_as_undisturbed()
    return driver


@pytest.mark.drills
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["sigterm", "sigkill"])
def test_driver(drill, number):
    drill.configure(3)
    for member in range(3):
        drill.fault(member, "sleep", 6)
    driver = drill.start()
    drill.begun(0)
    driver.kill(number)
    goes_on_to_the_end(drill, {0: 1, 1: 1, 2: 1})


@pytest.mark.parametrize(
    "n_members",
    [
        pytest.param(2, marks=pytest.mark.drills, id="of_two_jobs"),
        pytest.param(4, marks=pytest.mark.htcondor, id="of_four_jobs"),
    ],
)
def test_sigkill_between_submit_and_bookkeeping(drill, n_members):
    drill.configure(n_members)
    order = drill.data / "faults" / "kill_after_submit"
    order.touch()
    if n_members > 2:
        drill.fault(3, "raise_once", "and this one fails too")
    driver = drill.start()
    assert driver.wait() == -signal.SIGKILL, driver.terminal[-4000:]
    assert not order.exists()
    goes_on_to_the_end(drill, {member: 2 if member == 3 else 1 for member in range(n_members)})


@pytest.mark.drills
def test_two_drivers(drill):
    for member in range(2):
        drill.fault(member, "sleep", 10)
    first = drill.start()
    drill.begun(0)
    before = drill.jobs(RUNNING) + drill.jobs(IDLE)
    second = drill.start()
    assert second.wait() != 0
    assert re.search(r"another law process \(process \d+ on \S+\) drives the jobs", second.terminal), second.terminal
    assert first.process.poll() is None
    assert set(drill.jobs(RUNNING) + drill.jobs(IDLE)) <= set(before)
    assert first.wait() == 0, first.terminal[-4000:]
    assert drill.trainings() == ONCE
    drill.assert_as_undisturbed()


@pytest.mark.drills
def test_branches_while_all_run(drill):
    drill.configure(4)
    for member in range(4):
        drill.fault(member, "sleep", 8)
    everything = drill.start()
    drill.begun(0)
    some = drill.start("--branches", "0:2", task="TrainDeepSF")
    assert some.wait() != 0
    assert "another law process" in some.terminal, some.terminal[-4000:]
    assert everything.wait() == 0, everything.terminal[-4000:]
    assert drill.trainings() == dict.fromkeys(range(4), 1)
    drill.assert_as_undisturbed()


@pytest.mark.drills
def test_branches_while_all_are_queued(drill):
    drill.configure(4)
    with drill.pool.occupied() as release:
        driver = drill.start()
        queued = drill.wait("four idle jobs", lambda: len(drill.jobs(IDLE)) == 4 and drill.jobs(IDLE))
        driver.kill(signal.SIGKILL)
        some = drill.start("--branches", "0:2", task="TrainDeepSF")
        drill.wait("the line of a poll", lambda: "running" in some.terminal)
        assert drill.jobs(IDLE) == queued
        release()
        assert some.wait() == 0, some.terminal[-4000:]
    goes_on_to_the_end(drill, dict.fromkeys(range(4), 1))


@pytest.mark.drills
def test_schedd_down(drill):
    drill.configure(3)
    for member in range(3):
        drill.fault(member, "sleep", 12)
    driver = drill.start()
    drill.begun(0)
    drill.begun(1)
    master = drill.pool.master
    (schedd,) = (number for number, name in drill.pool.processes(master).items() if name == "condor_schedd")
    os.kill(master, signal.SIGSTOP)  # else it starts another one at once
    try:
        os.kill(schedd, signal.SIGKILL)
        time.sleep(30)
        assert driver.process.poll() is None, driver.terminal[-4000:]
    finally:
        os.kill(master, signal.SIGCONT)
    assert driver.wait() == 0, driver.terminal[-4000:]
    assert "condor_q" in driver.terminal or "schedd" in driver.terminal
    assert len(driver.terminal) < 20_000, "a line a poll, not pages of HTCondor's"
    assert drill.trainings() == {0: 1, 1: 1, 2: 1}
    drill.assert_as_undisturbed()
