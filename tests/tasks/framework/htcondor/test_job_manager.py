"""The job manager: submissions that fail, held jobs, and the line of a poll."""

from __future__ import annotations

import pytest

from tasks.framework.htcondor import job_manager
from tasks.framework.htcondor.job_manager import Pace


def test_time_left_follows_the_pace_of_the_jobs_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, clock = Pace(), iter([100.0, 110.0, 130.0])
    monkeypatch.setattr(job_manager.time, "monotonic", lambda: next(clock))
    assert pace.left_s(5, 20) is None
    assert pace.left_s(5, 20) is None
    assert pace.left_s(8, 17) == pytest.approx(30.0 / 3 * 17)
