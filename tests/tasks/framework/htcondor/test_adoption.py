"""What a workflow goes on with of the jobs in the queue, and that one driver works for a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from tasks.framework.htcondor.adoption import adopt, is_driven, only_driver
from tasks.framework.htcondor.queue import HELD, LiveJob

IDLE, RUNNING = 1, 2


def now(branches: Sequence[int]) -> str:
    return "now"


def test_jobs_in_the_queue_are_adopted_and_only_what_nobody_works_for_is_missing() -> None:
    jobs = [LiveJob("7.0", RUNNING, "now", (0,)), LiveJob("7.1", IDLE, "now", (1, 2))]
    adoption = adopt(jobs, now, range(6), complete=[3])
    assert adoption.adopted == {"7.0": (0,), "7.1": (1, 2)}
    assert adoption.missing == [4, 5]
    assert (adoption.outdated, adoption.held, adoption.doubled) == ([], [], [])


def test_outdated_and_held_jobs_are_removed_and_submitted_again() -> None:
    jobs = [LiveJob("7.0", RUNNING, "before", (0,)), LiveJob("8.0", HELD, "now", (1,))]
    adoption = adopt(jobs, now, range(2), complete=[])
    assert (adoption.outdated, adoption.held, adoption.adopted, adoption.missing) == (["7.0"], ["8.0"], {}, [0, 1])


def test_a_job_is_outdated_by_its_own_branches_alone() -> None:
    jobs = [LiveJob("7.0", RUNNING, "0", (0,)), LiveJob("7.1", RUNNING, "1", (1,))]
    adoption = adopt(jobs, lambda branches: "0" if branches == (0,) else "changed", range(2), complete=[])
    assert (adoption.adopted, adoption.outdated, adoption.missing) == ({"7.0": (0,)}, ["7.1"], [1])


def test_a_branch_has_one_job_the_one_that_was_submitted_first() -> None:
    jobs = [LiveJob("10.0", IDLE, "now", (0,)), LiveJob("9.0", IDLE, "now", (0,))]
    adoption = adopt(jobs, now, range(1), complete=[])
    assert (adoption.adopted, adoption.doubled) == ({"9.0": (0,)}, ["10.0"])


def test_jobs_for_other_branches_and_jobs_whose_outputs_are_there_are_left_alone() -> None:
    jobs = [LiveJob("7.0", RUNNING, "now", (5,)), LiveJob("7.1", RUNNING, "now", (0,))]
    adoption = adopt(jobs, now, range(2), complete=[0])
    assert (adoption.adopted, adoption.doubled, adoption.outdated, adoption.missing) == ({}, [], [], [1])


def test_a_job_for_more_branches_than_wanted_is_adopted_for_those_that_are() -> None:
    adoption = adopt([LiveJob("7.0", RUNNING, "now", (0, 1, 2, 3))], now, [1, 2, 9], complete=[1])
    assert (adoption.adopted, adoption.missing) == ({"7.0": (2,)}, [9])


def test_two_drivers_of_one_folder_the_second_is_refused_and_told_who_the_first_is(tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from tasks.framework.htcondor.adoption import only_driver\n"
        "with only_driver(Path(sys.argv[1]), 'TrainDeepSF'): pass"
    )
    with only_driver(tmp_path / "htcondor", "TrainDeepSF"):
        second = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "htcondor"], capture_output=True, text=True, check=False
        )
    assert second.returncode != 0
    assert "another law process (process " in second.stderr
    assert "the same command adopts them" in second.stderr
    with only_driver(tmp_path / "htcondor", "TrainDeepSF"):  # free again
        pass


def test_a_folder_is_driven_while_its_lock_is_held(tmp_path) -> None:
    assert not is_driven(tmp_path)
    with only_driver(tmp_path, "TrainDeepSF"):
        assert is_driven(tmp_path)
    assert not is_driven(tmp_path)
