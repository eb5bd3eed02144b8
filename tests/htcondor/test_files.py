"""Skims of files on a real pool: jobs know what variables, patterns and lists meant where they were submitted."""

from __future__ import annotations

import os

import pytest

from tests.conftest import FILTER, TRIGGERS
from tests.workflow.campaign import Campaign, Launch

pytestmark = pytest.mark.htcondor


@pytest.fixture
def sections(htcondor_pool, make_nanoaod):
    """Return the sections of a campaign whose files only this process can find."""
    store = htcondor_pool.folder / "store"
    store.mkdir()
    for seed, name in enumerate(("mc_a.root", "mc_b.root", "data.root")):
        make_nanoaod(600, seed, name=name, data=name == "data.root").rename(store / name)
    (store / "data.txt").write_text("~/data.root  # the home of who submits\n")
    return {
        "generator": None,
        "campaign": {"certified": None},
        "samples": {
            "ttbar": {"files": ["$DEEPSF_TEST_STORE/mc_*.root"], "generate": []},
            "zjets": None,
            "data": {"files": ["$DEEPSF_TEST_STORE/data.txt"], "generate": []},
        },
        "selection": {"triggers": {c: [path] for c, path in TRIGGERS.items()}, "event_filters": [FILTER]},
        "pileup": None,
        "jet_corrections": None,
    }


def test_jobs_skim_the_files_that_were_found_at_the_submission(htcondor_pool, sections):
    store = htcondor_pool.folder / "store"
    env = {**os.environ, "DEEPSF_TEST_STORE": str(store), "HOME": str(store)}
    local = Campaign(htcondor_pool.folder / "skims" / "local", sections, Launch(env=env))
    done = local.law("SkimNtuples")
    assert done.returncode == 0, done.stderr[-3000:]

    pool = Campaign(htcondor_pool.folder / "skims" / "pool", sections)
    command = pool.command("SkimNtuples", "--workflow", "htcondor", "--poll-interval", "2sec")
    done = htcondor_pool.run(command, env={**htcondor_pool.env, **env, "DEEPSF_DATA": str(pool.data)}, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    made, by_jobs = (
        {path.name: path.read_bytes() for path in campaign.outputs.rglob("*.parquet")} for campaign in (local, pool)
    )
    assert len(made) == 6
    assert by_jobs == made
