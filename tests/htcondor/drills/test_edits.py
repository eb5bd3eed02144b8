"""The edits of tests/workflow/edits.py once more, with every workflow as jobs on the pool."""

from __future__ import annotations

import pytest

from tests.htcondor.conftest import SCRIPTS
from tests.workflow.campaign import Campaign, Launch
from tests.workflow.edits import assert_each_edit_runs_exactly_what_depends_on_it


@pytest.mark.drills
def test_each_edit_reruns_exactly_what_depends_on_it_on_the_pool(htcondor_pool):
    options = ("--workflow", "htcondor", "--poll-interval", "1sec", "--tasks-per-job", "2")
    launch = Launch((str(SCRIPTS / "pool.sh"), "run"), options, htcondor_pool.env)
    campaign = Campaign(htcondor_pool.folder / "edits", launch=launch)
    done = campaign.law("ProduceDeepSFEnsemble")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert_each_edit_runs_exactly_what_depends_on_it(campaign)
    assert htcondor_pool.queue() == {}
