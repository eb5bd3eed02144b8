"""Random processes of the workflow are killed at random moments: nothing wrong ever counts as complete, all gets done.

``--chaos-rounds 50`` for more rounds; ``--chaos-seed`` repeats one that failed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time

import pytest

pytestmark = pytest.mark.drills

N_MEMBERS = 3
KILLS = 6
STARTS_MAX = 12
KINDS = ("driver", "payload", "condor_starter", "condor_shadow")


def pytest_generate_tests(metafunc):
    seeds = metafunc.config.getoption("--chaos-seed")
    metafunc.parametrize("seed", seeds or range(1, 1 + metafunc.config.getoption("--chaos-rounds")))


def victims(drill):
    """Return the processes of the workflow by kind: those of this pool and of this drill's driver only."""
    pool, driver = drill.pool, drill.drivers[-1].process
    of_pool = pool.processes(pool.master)
    kinds = {name: [number for number in of_pool if of_pool[number] == name] for name in KINDS[2:]}
    kinds["payload"] = list(pool.processes(*kinds["condor_starter"]))
    kinds["driver"] = [driver.pid, *pool.processes(driver.pid)] if driver.poll() is None else []
    return {kind: sorted(numbers) for kind, numbers in kinds.items()}


def test_chaos(drill, seed):
    dice = random.Random(seed)
    # a killed shadow blocks a slot for as long as the lease of its job
    drill.configure(N_MEMBERS, htcondor={"extra_commands": {"job_lease_duration": "20"}})
    for member in range(N_MEMBERS):
        drill.fault(member, "slow_step", 0.03)
    killed, starts = [], 0
    while True:
        driver = drill.start()
        starts += 1
        assert starts <= STARTS_MAX, f"seed {seed}: not done after {killed}\n{drill.drivers[-2].terminal[-4000:]}"
        while driver.process.poll() is None and len(killed) < KILLS:
            with contextlib.suppress(Exception):
                driver.process.wait(dice.uniform(0.5, 5.0))
            kind = dice.choice(KINDS)
            numbers = victims(drill)[kind]
            if numbers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(dice.choice(numbers), signal.SIGKILL)
                    killed.append(kind)
            assert drill.wrong() == [], f"seed {seed}: {killed}"
        status = driver.wait(240)
        assert drill.wrong() == [], f"seed {seed}: {killed}"
        if status == 0:
            break
        time.sleep(dice.uniform(0.0, 2.0))
    drill.wait(f"an empty queue (seed {seed}: {killed})", lambda: not drill.pool.queue(), 60)
    drill.assert_as_undisturbed()
    assert sorted(drill.trainings()) == list(range(N_MEMBERS)), f"seed {seed}"
    print(f"seed {seed}: {starts} starts, killed {killed}, trainings {drill.trainings()}")
