"""The main job: everything up to the comparison plots."""

from __future__ import annotations

from typing import Any

from tasks.audit import AuditScaleFactors
from tasks.cut_flow import ReportCutFlow
from tasks.exports import ExportScaleFactors
from tasks.framework.base import ConfigTask
from tasks.framework.costs import print_costs
from tasks.framework.targets import staged
from tasks.phase_space import AuditPhaseSpace, PlotPhaseSpace, PlotPurity
from tasks.plots import PlotClosure, PlotScaleFactors


class ProduceDeepSFEnsemble(ConfigTask):
    """Runs the whole measurement; sums up results (``summary.txt``) and prints where the time went."""

    def requires(self) -> Any:
        return {
            "cut_flow": ReportCutFlow.req(self),
            "audit": AuditScaleFactors.req(self),
            "exports": ExportScaleFactors.req(self),
            "scale_factors": PlotScaleFactors.req(self),
            "closure": PlotClosure.req(self),
            "phase_space": AuditPhaseSpace.req(self),
            "phase_space_plots": PlotPhaseSpace.req(self),
            "purity": PlotPurity.req(self),
        }

    def output(self) -> Any:
        return self.target("summary.txt")

    def run(self) -> None:
        from deepsf.audit.summary import summary

        files = self.input()["audit"]["audit"], self.input()["phase_space"]["phase_space"]
        text = summary(*(target.read_json() for target in files))
        with staged(self.output()) as (path,):
            path.write_text(text)
        self.publish_message(text)
        print_costs(self)
