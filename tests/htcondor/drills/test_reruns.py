"""A second run of the same command does what is missing or stale, and only that; jobs never see a later edit."""

from __future__ import annotations

import re
import signal

import pytest

IDLE = 1
pytestmark = pytest.mark.drills


@pytest.fixture(scope="module")
def finished(new_drill):
    """Three members trained on the pool; each drill leaves them complete."""
    drill = new_drill("finished")
    drill.configure(3)
    driver = drill.run()
    counts = r"\d running, \d idle, \d held, \d done, \d failed of 3 jobs"
    assert re.search(counts, driver.terminal), driver.terminal
    assert re.search(rf"{counts}; about \d+:\d\d min left", driver.terminal), driver.terminal
    assert drill.trainings() == {0: 1, 1: 1, 2: 1}
    drill.assert_as_undisturbed()
    yield drill
    drill.end()


@pytest.fixture
def rerun(finished, request):
    """Return a function that runs again what ``damage`` leaves to do and returns what was trained."""

    def run(damage, *options):
        finished.forget_trainings()
        damage(finished.outputs / "TrainDeepSF")
        finished.run(*options)
        finished.assert_as_undisturbed()
        request.node.user_properties.append(("trainings", sum(finished.trainings().values())))
        return finished.trainings()

    return run


def remove(*members):
    def damage(folder):
        for member in members:
            (folder / f"member_{member}.safetensors").unlink()
            (folder / f"history_{member}.json").unlink()

    return damage


def truncate(member):
    def damage(folder):
        path = folder / f"member_{member}.safetensors"
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])

    return damage


@pytest.mark.parametrize("options", [(), ("--retries", "0")], ids=["plain", "without_retries"])
def test_outputs_of_two_members_deleted(rerun, options):
    assert rerun(remove(0, 2), *options) == {0: 1, 2: 1}


def test_output_truncated_after_the_fact(rerun):
    assert rerun(truncate(1)) == {1: 1}


def test_config_edited_while_jobs_are_queued(drill):
    with drill.pool.occupied() as release:
        driver = drill.start()
        old = drill.wait("two idle jobs", lambda: len(drill.jobs(IDLE)) == 2 and drill.jobs(IDLE))
        driver.kill(signal.SIGTERM)
        drill.configure(training={"learning_rate": 0.0005})
        driver = drill.start()
        drill.wait("two new jobs", lambda: len(set(drill.jobs(IDLE)) - set(old)) == 2)
        assert set(drill.jobs(IDLE)) & set(old) == set()
        release()
        assert driver.wait() == 0, driver.terminal[-4000:]
    assert "configuration" in driver.terminal, driver.terminal[-4000:]
    assert drill.trainings() == {0: 1, 1: 1}
    drill.assert_as_undisturbed()


def test_config_edited_while_the_driver_runs(drill):
    with drill.pool.occupied() as release:
        driver = drill.start()
        drill.wait("two idle jobs", lambda: len(drill.jobs(IDLE)) == 2)
        drill.configure(training={"learning_rate": 0.0005})
        release()
        assert driver.wait() == 0, driver.terminal[-4000:]
    assert drill.trainings() == {0: 1, 1: 1}
    drill.sections.pop("training")
    drill.assert_as_undisturbed()
