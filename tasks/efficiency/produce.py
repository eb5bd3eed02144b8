"""The main job of efficiencies."""

from __future__ import annotations

from typing import Any

from tasks.efficiency.audit import AuditEfficiency
from tasks.efficiency.events import EfficiencyTask
from tasks.efficiency.exports import ExportEfficiency
from tasks.efficiency.plots import PlotEfficiency
from tasks.efficiency.truth_tagging import ApplyTruthTagging
from tasks.framework.costs import print_costs
from tasks.framework.targets import staged


class ProduceEfficiencyEnsemble(EfficiencyTask):
    """Runs everything on efficiencies; sums up the audit (``summary.txt``) and prints where the time went."""

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

        text = summary(self.input()["audit"]["audit"].read_json())
        with staged(self.output()) as (path,):
            path.write_text(text)
        self.publish_message(text)
        print_costs(self)
