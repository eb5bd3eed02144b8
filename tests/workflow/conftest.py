"""The main job on a tiny campaign, as a user starts it, run once for all tests of this folder."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

import pytest

pytest.register_assert_rewrite("tests.workflow.edits")

from tests.workflow.campaign import Campaign  # noqa: E402


class MainJob(NamedTuple):
    campaign: Campaign
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def main_job(tmp_path_factory: pytest.TempPathFactory) -> MainJob:
    """Return the finished main job; tests that change its outputs work on a copy."""
    campaign = Campaign(tmp_path_factory.mktemp("main_job"), {"errors": {"shifts": True}})
    return MainJob(campaign, campaign.law("ProduceDeepSFEnsemble"))
