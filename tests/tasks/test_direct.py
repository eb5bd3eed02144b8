"""The direct density ratio is there unless the configuration turns it off."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.audit import AuditScaleFactors
from tasks.direct import TrainDirectSF
from tasks.phase_space import AuditPhaseSpace


@pytest.mark.parametrize("audit", [AuditScaleFactors, AuditPhaseSpace])
@pytest.mark.parametrize("base", ["toy_small", "cms_2017"])
def test_audits_require_it_unless_it_is_turned_off(task_of, audit, base):
    assert isinstance(task_of(audit, base).requires()["direct"], TrainDirectSF)
    assert "direct" not in task_of(audit, base, direct=None).requires()


def test_asked_for_where_it_is_turned_off_it_says_what_to_do(task_of):
    with pytest.raises(ConfigError, match="has direct: null, without which TrainDirectSF cannot run; leave it out"):
        task_of(TrainDirectSF, direct=None).requires()
