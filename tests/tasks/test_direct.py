"""The direct density ratio is there where the configuration asks for it, and nowhere else."""

from __future__ import annotations

import pytest

from deepsf.config import ConfigError
from tasks.audit import AuditScaleFactors
from tasks.direct import TrainDirectSF
from tasks.phase_space import AuditPhaseSpace
from tests.tasks.framework.chain import ROOT


@pytest.mark.parametrize("audit", [AuditScaleFactors, AuditPhaseSpace])
def test_audits_require_it_with_a_section_direct_only(campaign, audit):
    with_section, without = (str(ROOT / "configs" / f"{name}.yaml") for name in ("toy", "cms_2017"))
    assert isinstance(audit(version="v1", config=with_section).requires()["direct"], TrainDirectSF)
    assert "direct" not in audit(version="v1", config=without).requires()


def test_asked_for_without_that_section_it_says_what_to_write(campaign):
    task = TrainDirectSF(version="v1", config=str(ROOT / "configs" / "cms_2017.yaml"))
    with pytest.raises(ConfigError, match=r"no section direct, which TrainDirectSF needs; write direct: \{\}"):
        task.requires()
