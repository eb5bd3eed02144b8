"""The pool that the other tests of this folder rely on."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.htcondor


def test_a_job_runs_with_an_empty_environment_and_returns_its_output(htcondor_pool):
    folder = htcondor_pool.folder / "plain"
    folder.mkdir()
    (folder / "plain.sub").write_text(
        "executable = /bin/sh\n"
        "arguments = \"-c 'echo square $(( $1 * $1 )), home ${HOME:-none}' sh $(Process)\"\n"
        "output = $(Process).out\nlog = log\nqueue 4\n"
    )
    submitted = htcondor_pool.run(["condor_submit", "plain.sub"], cwd=folder)
    assert "4 job(s) submitted" in submitted.stdout, submitted.stderr
    waited = htcondor_pool.run(["condor_wait", "-wait", "60", "log"], cwd=folder)
    assert waited.returncode == 0, waited.stdout + waited.stderr
    output = [(folder / f"{process}.out").read_text() for process in range(4)]
    assert output == [f"square {process**2}, home none\n" for process in range(4)]
