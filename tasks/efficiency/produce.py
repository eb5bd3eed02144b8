"""The top task of efficiencies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tasks.efficiency.events import EfficiencyTask
from tasks.framework.costs import print_costs
from tasks.framework.targets import staged

if TYPE_CHECKING:
    pass
from tasks.efficiency.audit import AuditEfficiency
from tasks.efficiency.exports import ExportEfficiency
from tasks.efficiency.plots import PlotEfficiency
from tasks.efficiency.truth_tagging import ApplyTruthTagging


class ProduceEfficiencyEnsemble(EfficiencyTask):
    """The main job of efficiencies: requires everything, and ends with the rows of the audit and what it has cost."""

    def requires(self) -> Any:
        return {
            "audit": AuditEfficiency.req(self),
            "tagged": ApplyTruthTagging.req(self),
            "exports": ExportEfficiency.req(self),
            "plots": PlotEfficiency.req(self),
        }

    def output(self) -> Any:
        return self.target("summary.txt")

    def run(self) -> None:
        from deepsf.efficiency.audit.summary import summary

        text = summary(json.loads(self.input()["audit"]["audit"].file.read_text()))
        with staged(self.output()) as (path,):
            path.write_text(text)
        self.publish_message(text)
        print_costs(self)
